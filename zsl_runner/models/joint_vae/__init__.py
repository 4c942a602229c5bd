"""JointVAE: an autoencoder of images with continuous and discrete latent variables."""
