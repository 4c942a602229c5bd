"""ESZSL: An embarrassingly simple approach to zero-shot learning (Romera-Paredes and Torr, ICML 2015)."""
