"""Solving a closed-form model in one step."""
