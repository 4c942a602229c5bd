"""A small dilated network with class activation maps, projected pixels and a correlation module."""
