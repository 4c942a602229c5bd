"""The weights of networks: kept, compared, handed on; and which of them gradients reach."""

import torch


def weights_of(trained):
    """Return a copy of the weights and statistics of a network, or of what has one as its ``model``, e.g. a trainer."""
    network = getattr(trained, "model", trained)
    return {name: value.clone() for name, value in network.state_dict().items()}


def differing(one, other):
    """Return the names of tensors that are not equal to the bit; other names are a mistake of the test."""
    assert one.keys() == other.keys()
    return {name for name in one if not torch.equal(one[name], other[name])}


def same(one, other):
    """Tell whether tensors by name are equal to the bit."""
    return not differing(one, other)


def hand_over(stopped, other):
    """Let another trainer go on where one was stopped: with its weights, moments, streams and own state."""
    for name in ("model", "optimisers", "streams"):
        getattr(other.context, name).load_state_dict(getattr(stopped.context, name).state_dict())
    other.load_state_dict(stopped.state_dict())


def reached(model):
    """Return the parts of a model, by their first names, in which some gradient is not zero."""
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    return {name.partition(".")[0] for name, grad in gradients.items() if grad is not None and grad.abs().max() > 0}
