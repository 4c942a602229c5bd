"""Class maps as masks: intersection over union of a whole set, tags, thresholds chosen on validation."""
