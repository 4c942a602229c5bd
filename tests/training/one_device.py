"""Shows that a computation stays on one device without having a second one, by tensors of the device ``meta``."""

import copy
import copyreg

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

AWAY = torch.device("meta")


class Generators(TorchFunctionMode):
    """Takes the device that a generator names for ``meta``, which has no generators of its own."""

    def __torch_function__(self, function, types, arguments=(), options=None):
        options = dict(options or {})
        options.pop("generator", None)
        if options.get("device") is not None:
            options["device"] = AWAY
        return function(*arguments, **options)


class OneDevice(TorchDispatchMode):
    """Lets no operation read or make a tensor of the CPU."""

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        for leaf in tree_leaves((arguments, options, result)):
            if isinstance(leaf, Tensor) and leaf.device != AWAY:
                raise RuntimeError(f"{function}: a tensor of {leaf.device}, shape {tuple(leaf.shape)}")
        return result


def away(part):
    """Return a copy of whatever holds tensors, all of them on ``meta``.

    Optimisers among it do nothing: their steps are torch's own, and not there for ``meta``.
    """
    copied = {}

    def moved(tensor, memo):
        if id(tensor) not in memo:
            there = tensor.detach().to(AWAY)
            if isinstance(tensor, torch.nn.Parameter):
                there = torch.nn.Parameter(there, tensor.requires_grad)
            memo[id(tensor)] = there
        return memo[id(tensor)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(copyreg.dispatch_table, torch.Generator, lambda generator: "the generator itself")
        patch.setattr(Tensor, "__deepcopy__", moved)
        patch.setattr(torch.nn.Parameter, "__deepcopy__", moved)
        there = copy.deepcopy(part, copied)
    for optimiser in [held for held in copied.values() if isinstance(held, torch.optim.Optimizer)]:
        optimiser.step = lambda: None
    return there


def stays_on_its_device(compute, *arguments):
    """Compute on ``meta``, with copies of all that the computation holds, and let nothing of the CPU take part."""
    compute, there = away((compute, arguments))
    with Generators(), OneDevice():
        compute(*there)
