"""Where data come from: a folder for each origin, whatever the kinds of data it serves."""
