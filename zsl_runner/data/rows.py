"""Rows of a data set handed out by position, and random orders of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from zsl_runner.data.records import Rows

Batch = TypeVar("Batch")


def on_device(values: Rows, device: torch.device) -> Tensor:
    """Return rows, or classes of rows, as int64 on a device."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.int64)).to(device)


class RowView(ABC, Generic[Batch]):
    """Base of views; a subclass says what a batch is.

    Args:
        rows: (n,) int64 the rows of this view, on the device of the data.
    """

    def __init__(self, rows: Tensor) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> Tensor:
        """The (n,) int64 rows of the data set that this view hands out."""
        return self._rows

    @property
    def device(self) -> torch.device:
        """Device of the data."""
        return self._rows.device

    @abstractmethod
    def take(self, positions: Tensor) -> Batch:
        """Return what stands at ``positions`` (int64, 0..n-1) of this view."""

    @abstractmethod
    def part(self, positions: Tensor) -> Self:
        """Return a view of the rows at ``positions`` (int64, 0..n-1) of this one."""

    def blocks(self, size: int) -> Iterator[tuple[Tensor, Batch]]:
        """Yield (positions, batch) for all rows in order, at most ``size`` at a time, as for evaluation."""
        for positions in torch.split(torch.arange(len(self), device=self.device), size):
            yield positions, self.take(positions)


class EpochSampler:
    """Positions 0..count-1 in a fresh random order for each epoch; the tail too short for a batch is dropped.

    Args:
        count: number of rows.
        generator: where the orders are drawn from; its device is the device of the positions.

    Raises:
        ValueError: ``count`` is 0.
    """

    def __init__(self, count: int, generator: torch.Generator) -> None:
        if count < 1:
            raise ValueError("an epoch sampler needs at least one row")
        self.count = count
        self._generator = generator
        self._order = torch.empty(0, dtype=torch.int64, device=generator.device)
        self._cursor = 0

    @property
    def begun(self) -> bool:
        """Whether anything was drawn, by a process that was resumed here, too."""
        return len(self._order) > 0

    def draw(self, size: int) -> Tensor:
        """Return the next (min(size, count),) int64 positions, all different."""
        size = min(size, self.count)
        if self._cursor + size > len(self._order):
            self._order = torch.randperm(self.count, generator=self._generator, device=self._generator.device)
            self._cursor = 0
        positions = self._order[self._cursor : self._cursor + size]
        self._cursor += size
        return positions

    def state_dict(self) -> dict[str, Tensor | int]:
        """Return the current order and the position in it."""
        return {"order": self._order, "cursor": self._cursor}

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        """Continue where ``state`` was taken."""
        order, cursor = state["order"], state["cursor"]
        assert isinstance(order, Tensor)
        assert isinstance(cursor, int)
        self._order = order.to(self._generator.device)
        self._cursor = cursor


MOST_REDRAWS = 0.5
"""Expected pairs of equal positions in a batch up to which drawing again is cheaper than ordering all rows."""


def distinct_positions(count: int, size: int, batches: int, generator: torch.Generator) -> Tensor:
    """Draw batches of row positions, each uniform without replacement, independent of one another.

    Costs of the order of the positions drawn, not of ``count``, unless a batch is so large that it would often hold one
    position twice. Has no state beyond the generator's.

    Args:
        count: number of rows.
        size: positions in a batch, at most ``count``.
        batches: number of batches.
        generator: a generator on the CPU, for the numbers drawn decide what is drawn next.

    Returns:
        (batches, size) int64 positions on the CPU.

    Raises:
        ValueError: ``size`` exceeds ``count`` or is below 1.
    """
    if not 1 <= size <= count:
        raise ValueError(f"cannot draw {size} different rows of {count}")
    if size * (size - 1) / 2 > MOST_REDRAWS * count:
        return torch.stack([torch.randperm(count, generator=generator)[:size] for _ in range(batches)])
    drawn = torch.randint(count, (batches, size), generator=generator)
    while True:
        ordered = drawn.sort(1).values
        repeated = (ordered[:, 1:] == ordered[:, :-1]).any(1)
        again = int(repeated.sum())
        if not again:
            return drawn
        drawn[repeated] = torch.randint(count, (again, size), generator=generator)


def likely_positions(probability: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw positions with repetition, each as often as it is likely, without waiting for the device.

    Args:
        probability: (n,) of each position, or a multiple of that.
        count: positions to draw, at least one.
        generator: a generator on the device of ``probability``.

    Returns:
        (count,) int64 positions.

    >>> likely_positions(torch.tensor([0.0, 1.0]), 3, torch.Generator())
    tensor([1, 1, 1])
    """
    # Before a draw of one, torch looks whether the probabilities are any: a step with such a draw is not captured.
    return torch.multinomial(probability, max(count, 2), replacement=True, generator=generator)[:count]
