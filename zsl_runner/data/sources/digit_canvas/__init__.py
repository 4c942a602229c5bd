"""Real digits on cluttered canvases, with the exact label of each pixel or tagged with the digits that are there."""
