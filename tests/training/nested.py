"""Tensors in the arguments and results of operations: tuples, lists and dictionaries alone, faster than a pytree."""

from functools import cache

from torch import Tensor

name_of = cache(str)
"""The name of an operation."""


def leaves(*values):
    """Return what the values hold, in order."""
    found = []
    for value in values:
        if isinstance(value, tuple | list):
            found += leaves(*value)
        elif isinstance(value, dict):
            found += leaves(*value.values())
        else:
            found.append(value)
    return found


def tensors(*values):
    """Return the tensors among them."""
    return [leaf for leaf in leaves(*values) if isinstance(leaf, Tensor)]


def mapped(change, value):
    """Return the value with each tensor changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, tuple | list):
        return type(value)([mapped(change, part) for part in value])
    if isinstance(value, dict):
        return {key: mapped(change, part) for key, part in value.items()}
    return value
