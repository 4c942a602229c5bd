"""The deterministic network of the conditional autoencoder for segmentation, alone."""
