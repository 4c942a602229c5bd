"""Equations: pure functions of tensors. They know no models, data sets or configurations."""
