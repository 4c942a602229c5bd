"""CADA-VAE: two autoencoders, of features and of class vectors, with codes in agreement (CVPR 2019)."""
