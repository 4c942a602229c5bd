"""Computations captured on a CUDA device and replayed, and what tells whether they can be."""
