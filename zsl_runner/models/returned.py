"""What a method of a model returned, held against what its base class promises."""

from __future__ import annotations

from torch import Tensor, nn

from zsl_runner.errors import RunError


def of_shape(values: Tensor, model: nn.Module, method: str, *shape: int | None) -> Tensor:
    """Return ``values`` unchanged if they are floating-point numbers of the shape that was asked for.

    Scores without the last class, or one column where features have many, would be measured like any other.

    Args:
        values: what the method returned.
        model: whose method it is.
        method: its name.
        shape: the sizes expected; None allows any.

    Raises:
        RunError: naming the method, with both shapes.
    """
    tensor = isinstance(values, Tensor)
    if tensor and values.is_floating_point() and values.ndim == len(shape) and all(map(_fits, shape, values.shape)):
        return values
    expected = ", ".join("any" if size is None else str(size) for size in shape)
    found = f"one of shape {tuple(values.shape)} and {values.dtype}" if tensor else f"a {type(values).__name__}"
    wanted = f"a tensor of shape ({expected}) of floating-point numbers"
    raise RunError(f"{type(model).__name__}.{method}: expected {wanted}, found {found}")


def _fits(asked: int | None, size: int) -> bool:
    return asked in (None, size)
