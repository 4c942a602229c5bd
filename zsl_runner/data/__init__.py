"""Data sets: their records by kind, their sources, and the folds and views a training stage may see."""
