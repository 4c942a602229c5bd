"""Classes that arrive in tasks, one after the other: of images, and of zero-shot data."""
