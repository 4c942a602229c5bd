"""Training of adversarial autoencoders: reconstruction, discriminator, encoder against it, classification."""
