"""Label maps: pixel accuracy and intersection over union beside the likelihood; partly hidden images."""
