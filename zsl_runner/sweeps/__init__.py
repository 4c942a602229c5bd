"""Sweeps: what their jobs do, what they leave on disk, and the table at their end."""
