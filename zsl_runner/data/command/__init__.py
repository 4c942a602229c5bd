"""The command ``zsl-data``."""
