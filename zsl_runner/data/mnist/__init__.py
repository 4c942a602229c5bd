"""MNIST from its four idx files, with hand-made attributes as class vectors."""
