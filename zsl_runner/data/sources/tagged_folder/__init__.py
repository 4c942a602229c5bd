"""Users' own images with tags, and perhaps with masks to measure by."""
