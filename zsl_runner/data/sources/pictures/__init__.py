"""Users' own pictures: in folders of classes, or without classes."""
