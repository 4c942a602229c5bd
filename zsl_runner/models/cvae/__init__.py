"""Conditional variational autoencoder of multilayer perceptrons."""
