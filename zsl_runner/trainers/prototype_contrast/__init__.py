"""Learning class maps from tags: classification, equivariance, and contrast of pixels with prototypes."""
