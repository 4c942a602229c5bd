"""Images, with or without classes."""
