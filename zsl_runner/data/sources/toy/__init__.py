"""A Gaussian zero-shot problem whose best possible accuracy is known."""
