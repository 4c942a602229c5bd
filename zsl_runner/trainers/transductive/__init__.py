"""Training on labelled seen rows and unlabelled unseen rows together."""
