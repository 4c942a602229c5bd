"""Data sets in the xlsa17 layout: ``res101.mat`` with features and labels, ``att_splits.mat`` with class vectors."""
