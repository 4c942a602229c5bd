"""Quadrants of MNIST."""
