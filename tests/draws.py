"""Random numbers for tests."""

import torch


def generator(seed=0):
    """Return a generator of its own on the CPU."""
    return torch.Generator().manual_seed(seed)
