"""Users' pictures: how they are found in folders, and how a file becomes pixels or labels."""
