"""Adversarial training of feature generators, inductive or transductive."""
