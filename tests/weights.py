"""The weights of a network, kept and compared."""

import torch


def weights_of(trained):
    """Return a copy of the weights and statistics of what has a ``model``: a trainer, a context or the parts of one."""
    return {name: value.clone() for name, value in trained.model.state_dict().items()}


def same(one, other):
    """Tell whether tensors by name are equal to the bit; other names are a mistake of the test."""
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)
