"""Training of aligned autoencoders, in which terms of the loss rise epoch by epoch."""
