"""`zsl-data import`: arrays of one's own, in six kinds of files, become a folder in the xlsa17 layout."""
