"""Layers that a model keeps where torch does not look: in plain lists, tuples, sets and dictionaries.

They take part in every prediction, and are neither trained nor saved nor moved to the run's device.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from torch import Tensor, nn

from zsl_runner.errors import ConfigError

TORCHS_OWN: Final = frozenset(vars(nn.Module()))
"""Attributes in which torch itself keeps dictionaries."""


def require_registered(model: nn.Module) -> None:
    """Refuse a model that hides layers or parameters from torch.

    What is frozen stays allowed: a network whose parameters need no gradient is kept out of the checkpoints like that.

    Args:
        model: as it was built.

    Raises:
        ConfigError: naming each attribute that holds some, and what to make of it.
    """
    known = {id(tensor) for tensor in (*model.parameters(), *model.buffers())}
    found = [
        f"self.{f'{prefix}.' if prefix else ''}{name} is a plain {type(value).__name__} of "
        f"{', '.join(dict.fromkeys(type(part).__name__ for part in hidden))}; make it an nn.{_remedy(value, hidden[0])}"
        for prefix, module in model.named_modules()
        for name, value in vars(module).items()
        if name not in TORCHS_OWN and (hidden := [part for part in _parts(value) if _is_hidden(part, known)])
    ]
    if found:
        raise ConfigError(
            f"{type(model).__name__} keeps layers where torch does not look for them, so that they are neither trained "
            f"nor saved: {'; '.join(found)}"
        )


def _parts(value: Any, around: tuple[int, ...] = ()) -> Iterator[Tensor | nn.Module]:
    """Yield the tensors and modules in a container of Python, at any depth; of what is no container nothing."""
    if id(value) in around:  # a container may hold itself
        return
    inside: Iterable[Any] = ()
    if isinstance(value, dict):
        inside = value.values()
    elif isinstance(value, (list, tuple, set)):
        inside = value
    for part in inside:
        if isinstance(part, (Tensor, nn.Module)):
            yield part
        else:
            yield from _parts(part, (*around, id(value)))


def _is_hidden(part: Tensor | nn.Module, known: set[int]) -> bool:
    if isinstance(part, Tensor):
        return part.is_leaf and part.requires_grad and id(part) not in known
    parameters = list(part.parameters())
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        return False
    return any(id(tensor) not in known for tensor in (*parameters, *part.buffers()))


def _remedy(value: Any, part: Tensor | nn.Module) -> str:
    return f"{'Module' if isinstance(part, nn.Module) else 'Parameter'}{'Dict' if isinstance(value, dict) else 'List'}"
