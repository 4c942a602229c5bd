"""Feature and class-vector scaling, fitted on training rows only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from zsl_runner.objectives.normalisation import l2_normalised

FIT_BLOCK = 4096


PIPELINES: dict[str, tuple[str, ...]] = {
    "none": (),
    "minmax": ("minmax",),
    "standard": ("standard",),
    "l2": ("l2",),
    "center_l2": ("center", "l2"),
    "center_l2_standard": ("center", "l2", "standard"),
}
"""The steps of each scaling mode; every step is fitted on training rows that went through the steps before it."""


@dataclass(frozen=True)
class Affine:
    """``x -> (x - shift) * factor`` with (D,) tensors."""

    shift: Tensor
    factor: Tensor

    def apply(self, x: Tensor) -> Tensor:
        """Return the mapped (B, D) rows."""
        return (x - self.shift) * self.factor


@dataclass(frozen=True)
class Sphere:
    """``x -> radius * x / ||x||_2`` for each row; a zero row stays zero."""

    radius: float

    def apply(self, x: Tensor) -> Tensor:
        """Return the (B, D) rows projected onto the sphere."""
        return self.radius * l2_normalised(x, 1)


@dataclass(frozen=True)
class FeatureScaling:
    """A chain of fitted steps. Rows outside the training set may leave the training range; they are not clipped."""

    steps: tuple[Affine | Sphere, ...] = ()

    @property
    def radius(self) -> float | None:
        """Norm of every scaled row, or None if the last step does not fix it."""
        last = self.steps[-1] if self.steps else None
        return last.radius if isinstance(last, Sphere) else None

    @classmethod
    def fit(cls, matrix: Tensor, rows: Tensor, mode: str, radius: float | None) -> FeatureScaling:
        """Fit on ``matrix[rows]`` without copying more than a block of it.

        Args:
            matrix: (N, D) features.
            rows: (n,) int64 training rows.
            mode: a key of `PIPELINES`. ``minmax`` maps to [0, 1]; ``standard`` to mean 0 and deviation 1 (n in the
                denominator); ``center`` to mean 0; ``l2`` each row to norm ``radius``. A feature that is constant, or
                whose spread has no finite inverse in its type (below 3e-39 in float32), is only shifted.
            radius: norm of a row after ``l2``; None for sqrt(D), so that entries are of order 1.

        Raises:
            ValueError: unknown mode.
        """
        if mode not in PIPELINES:
            raise ValueError(f"unknown feature scaling {mode!r}")
        fitted = cls()
        for step in PIPELINES[mode]:
            fitted = cls((*fitted.steps, _fitted(step, fitted, matrix, rows, radius)))
        return fitted

    def apply(self, x: Tensor) -> Tensor:
        """Return the scaled (B, D) rows."""
        for step in self.steps:
            x = step.apply(x)
        return x

    def undo(self, x: Tensor, matrix: Tensor, rows: Tensor) -> Tensor:
        """Return scaled (B, D) rows in the scale of ``matrix``, the inverse of `apply`.

        A projection onto the sphere forgets the norms of rows: undone, it gives rows on the sphere the mean norm that
        ``matrix[rows]`` had before it.

        Args:
            x: (B, D) scaled rows, real or generated.
            matrix: (N, D) features.
            rows: (n,) int64 the rows that the scaling was fitted on.
        """
        for index, step in reversed(tuple(enumerate(self.steps))):
            if isinstance(step, Sphere):
                norms = [block.norm(dim=1) for block in _scaled_blocks(self.steps[:index], matrix, rows)]
                x = x * (torch.cat(norms).mean() / step.radius)
            else:
                x = x / step.factor + step.shift
        return x


def _scaled_blocks(steps: tuple[Affine | Sphere, ...], matrix: Tensor, rows: Tensor) -> Iterator[Tensor]:
    """Yield ``matrix[rows]`` after some steps, without copying more than a block of it at a time."""
    before = FeatureScaling(steps)
    return (before.apply(matrix[block]) for block in torch.split(rows, FIT_BLOCK))


def _fitted(step: str, before: FeatureScaling, matrix: Tensor, rows: Tensor, radius: float | None) -> Affine | Sphere:
    if step == "l2":
        return Sphere(matrix.shape[1] ** 0.5 if radius is None else radius)

    def blocks() -> Iterator[Tensor]:
        return _scaled_blocks(before.steps, matrix, rows)

    if step == "minmax":
        lows, highs = zip(*(torch.aminmax(block, dim=0) for block in blocks()), strict=True)
        low, high = torch.stack(lows).amin(0), torch.stack(highs).amax(0)
        return Affine(low, _inverse(high - low))
    total = torch.zeros(matrix.shape[1], dtype=torch.float64, device=matrix.device)
    for block in blocks():
        total += block.double().sum(0)
    mean = total / len(rows)
    if step == "center":
        return Affine(mean.to(matrix.dtype), torch.ones_like(mean, dtype=matrix.dtype))
    squares = torch.zeros_like(total)
    for block in blocks():
        squares += (block.double() - mean).square().sum(0)
    return Affine(mean.to(matrix.dtype), _inverse((squares / len(rows)).sqrt().to(matrix.dtype)))


def _inverse(width: Tensor) -> Tensor:
    inverse = 1 / width
    return torch.where(inverse.isfinite(), inverse, torch.ones_like(width))


def scale_class_vectors(vectors: Tensor, mode: str, seen: Tensor) -> Tensor:
    """Return the scaled (K, A) class vectors.

    Args:
        vectors: (K, A) class vectors as read.
        mode: ``none``; ``l2`` to unit norm; ``sqrt`` to norm sqrt(A), so that entries are of order 1;
            ``standard``: each entry to mean 0 and deviation 1 over the **seen** classes; a constant entry is only
            shifted; ``center``: each entry to mean 0 over the seen classes, all entries divided by the one deviation
            they have together, so that their relative spread stays; equal seen classes have none, and all entries are
            only shifted.
        seen: (S,) ids of the seen classes.

    Raises:
        ValueError: unknown mode.
    """
    if mode == "none":
        return vectors
    if mode in ("l2", "sqrt"):
        unit = l2_normalised(vectors, 1)
        return unit * vectors.shape[1] ** 0.5 if mode == "sqrt" else unit
    if mode == "standard":
        # In double precision the mean of equal entries is exact, so a constant entry really has deviation 0.
        exact = vectors.double()
        centred = exact - exact[seen].mean(0)
        return (centred * _inverse(centred[seen].square().mean(0).sqrt())).to(vectors.dtype)
    if mode == "center":
        own = vectors[seen]
        centred = vectors - own.mean(0)
        deviation = centred[seen].square().mean().sqrt()
        # The mean of equal vectors is rounded, and what is left of them would be taken for a deviation.
        differ = (own != own[0]).any()
        return centred / torch.where(differ & (deviation > 0), deviation, 1)
    raise ValueError(f"unknown semantic scaling {mode!r}")
