"""SGAL: Zero-shot Learning via Simultaneous Generating and Learning (Yu and Lee, NeurIPS 2019)."""
