"""Refuses numbers that are NaN or infinite before anything is decided by them."""

from __future__ import annotations

from torch import Tensor

from zsl_runner.errors import NonFiniteError


def finite(what: str, values: Tensor, remedy: str = "") -> Tensor:
    """Return ``values`` unchanged if all of them are finite.

    A NaN that reaches an argmax or a comparison becomes a decision like any other, and figures of chance follow. So
    whatever decides takes its scores, weights and codes through here, once for each block.

    Args:
        what: the values in words, plural, e.g. ``class scores``.
        values: a tensor of any shape.
        remedy: what to do about it, if more is known than that a network has diverged.

    Raises:
        NonFiniteError: naming ``what`` and how many of the values are not finite.
    """
    found = values.isfinite()
    if bool(found.all()):
        return values
    bad = int((~found).sum())
    hint = remedy or "the model has diverged: lower its learning rate, clip gradients, or scale the features"
    raise NonFiniteError(f"{what}: {bad:,} of {values.numel():,} are NaN or infinite; {hint}")
