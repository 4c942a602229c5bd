"""Scikit-learn's 8 x 8 digits, which are embedded: nothing to download."""
