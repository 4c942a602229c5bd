"""Scikit-learn's digits as labelled images."""
