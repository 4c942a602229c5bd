"""Conditional likelihood of structured outputs."""
