"""Frequencies of the unseen classes, estimated from their unlabelled rows."""
