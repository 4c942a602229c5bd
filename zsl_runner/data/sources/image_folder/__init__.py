"""Users' own images and masks, two folders whose files belong together by name."""
