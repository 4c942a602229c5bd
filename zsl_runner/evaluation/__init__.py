"""Evaluation protocols: (model, data) to numbers."""
