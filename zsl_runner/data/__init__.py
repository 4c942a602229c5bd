"""Data sets: sources of labelled features with class vectors, splits, and the views a training stage may see."""
