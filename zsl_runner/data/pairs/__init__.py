"""Inputs with outputs to be predicted from them, and other data seen as such pairs."""
