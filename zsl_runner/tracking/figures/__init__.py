"""Figures: pure functions from arrays to matplotlib figures, one per module, without pyplot's global state."""
