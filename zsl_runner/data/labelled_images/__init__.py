"""Images with labels of classes: what image models train on and are measured by."""
