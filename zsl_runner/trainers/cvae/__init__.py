"""Training of conditional autoencoders: CVAE, GSNN and their hybrid."""
