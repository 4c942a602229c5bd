"""Functions that ``torch.compile`` must leave as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def uncompiled(function: Callable[P, R]) -> Callable[P, R]:
    """Keep a function and what it calls out of ``torch.compile``.

    ``torch.compiler.disable`` does so, and imports the compiler: a second and more of every command, for something few
    runs ask for. Here it is called when something is compiled.

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
