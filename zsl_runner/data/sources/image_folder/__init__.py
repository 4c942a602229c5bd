"""Users' own images, with masks whose files belong to them by name, or with tags and perhaps masks to measure by."""
