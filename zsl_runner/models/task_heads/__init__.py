"""A body that all tasks share, and a linear head for each."""
