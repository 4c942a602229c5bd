"""MNIST as labelled images."""
