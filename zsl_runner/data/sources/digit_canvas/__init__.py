"""Real digits on cluttered canvases, with the exact label of each pixel."""
