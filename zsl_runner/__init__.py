"""zsl-run: a config-driven experiment runner for generative zero-shot learning."""

__version__ = "0.1.0"
