"""Torch's optimisers, made and moved without its compiler, whose import takes longer than a short training.

Torch wraps their methods so that ``torch.compile`` stops before them, and any call imports the compiler. Nothing here
is compiled together with its optimiser, so these have the methods that are inside.
"""

from __future__ import annotations

from inspect import unwrap
from typing import TypeVar

import torch

Algorithm = TypeVar("Algorithm", bound=type[torch.optim.Optimizer])
_WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


def _plain(algorithm: Algorithm) -> Algorithm:
    methods = {name: unwrap(getattr(algorithm, name)) for name in _WRAPPED}
    step = torch.no_grad()(unwrap(algorithm.step))  # what torch wraps the step in, too
    found: Algorithm = type(algorithm.__name__, (algorithm,), {**methods, "step": step})  # type: ignore[assignment]
    return found


Adam = _plain(torch.optim.Adam)
AdamW = _plain(torch.optim.AdamW)
SGD = _plain(torch.optim.SGD)
