"""Quadrants of scikit-learn's digits."""
