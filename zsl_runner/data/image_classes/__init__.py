"""Users' own pictures, one folder for each class."""
