"""Thirty cases that once failed, each with what should happen."""
