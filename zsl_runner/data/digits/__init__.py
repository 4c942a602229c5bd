"""The embedded default: scikit-learn's 8 x 8 digits with hand-made attributes as class vectors."""
