"""The fully convolutional conditional variational autoencoder of label maps (Sohn, Lee and Yan 2015)."""
