"""MNIST, or any data set in its four files."""
