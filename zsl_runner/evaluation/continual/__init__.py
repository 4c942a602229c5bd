"""What is left of each task after each other: tasks of classes, and of zero-shot data."""
