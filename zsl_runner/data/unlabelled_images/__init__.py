"""Users' own pictures, without classes."""
