"""Whether a state, once saved, can be loaded without executing what its file contains."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

_PLAIN = frozenset({type(None), bool, int, float, str, Tensor, nn.Parameter})
"""Exact types: a number of numpy is a subclass of ``float``, and no file may contain one."""


def not_loadable(value: Any, name: str = "") -> Iterator[str]:
    """Yield the name and type of everything in a state that could not be loaded.

    Args:
        value: the state, or a part of it.
        name: what leads to the part, dotted.

    >>> list(not_loadable({"rows": [1, {2: "b"}], "seen": {"pool": iter(())}}))
    ['seen.pool is a tuple_iterator']
    """
    kind = type(value)
    if kind in _PLAIN:
        return
    if kind is dict or kind is OrderedDict:
        for key, part in value.items():
            inside = f"{name}.{key}" if name else str(key)
            if type(key) not in _PLAIN and not _returns(key):
                yield f"a key of {name or 'the state'} is a {_named(type(key))}"
            yield from not_loadable(part, inside)
    elif kind is list or kind is tuple:
        for place, part in enumerate(value):
            yield from not_loadable(part, f"{name}[{place}]")
    elif not _returns(value):
        yield f"{name or 'the state'} is a {_named(kind)}"


def _returns(value: Any) -> bool:
    file = io.BytesIO()
    try:
        torch.save(value, file)
        file.seek(0)
        torch.load(file, weights_only=True)
    except Exception:  # pickle and torch refuse with errors of many types
        return False
    return True


def _named(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
