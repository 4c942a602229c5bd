"""Arithmetic in single precision at least, also where autocast has others compute in bfloat16."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor


def at_least_fp32(x: Tensor) -> Tensor:
    """Return ``x`` in single precision if autocast made it narrower: divergences and norms need the range."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def unrounded(device: torch.device) -> AbstractContextManager[Any]:
    """Return the context in which autocast leaves the factors of matrix products on a device as they are.

    It rounds them to eight bits whatever type they have, and a difference of such products may have none left.
    """
    kind = device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return torch.autocast(kind, enabled=False)
    return nullcontext()
