"""What ``torch.compile`` leaves as it is, made so that a run without it does not import the compiler.

That import takes a second and more, and torch's own ways to keep something out of the compiler make it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import unwrap
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")
Algorithm = TypeVar("Algorithm", bound=type[torch.optim.Optimizer])


def uncompiled(function: Callable[P, R]) -> Callable[P, R]:
    """Keep a function and what it calls out of ``torch.compile``.

    ``torch.compiler.disable`` does so. Here it is called when something is compiled.

    Args:
        function: a function or a method.
    """
    kept_out: Callable[P, R] | None = None

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        nonlocal kept_out
        if not torch.compiler.is_compiling():
            return function(*args, **kwargs)
        if kept_out is None:
            kept_out = torch.compiler.disable(function)  # type: ignore[no-untyped-call]
        return kept_out(*args, **kwargs)

    return call


def _plain(algorithm: Algorithm) -> Algorithm:
    """Return torch's optimiser with the methods inside those that it wraps to keep the compiler out of them.

    Nothing here is compiled together with its optimiser.
    """
    wrapped = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods = {name: unwrap(getattr(algorithm, name)) for name in wrapped}
    step = torch.no_grad()(unwrap(algorithm.step))  # what torch wraps the step in, too
    found: Algorithm = type(algorithm.__name__, (algorithm,), {**methods, "step": step})  # type: ignore[assignment]
    return found


Adam = _plain(torch.optim.Adam)
AdamW = _plain(torch.optim.AdamW)
SGD = _plain(torch.optim.SGD)
