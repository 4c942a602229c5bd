"""Training of deterministic predictions."""
