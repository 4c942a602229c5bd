"""Invented features of any width on a real split, for measurements of speed and memory."""
