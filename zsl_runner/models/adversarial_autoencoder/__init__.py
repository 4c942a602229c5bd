"""Adversarial autoencoders: codes that a discriminator cannot tell from draws of a prior."""
