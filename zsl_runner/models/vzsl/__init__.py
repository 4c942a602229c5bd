"""VZSL: Zero-Shot Learning via Class-Conditioned Deep Generative Models (Wang et al., AAAI 2018)."""
