"""Some rows of a data set, handed out by position."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeVar

import torch
from torch import Tensor

Batch = TypeVar("Batch")


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
    def device(self) -> torch.device:
        """Device of the data."""
        return self._rows.device

    @abstractmethod
    def take(self, positions: Tensor) -> Batch:
        """Return what stands at ``positions`` (int64, 0..n-1) of this view."""

    def blocks(self, size: int) -> Iterator[tuple[Tensor, Batch]]:
        """Yield (positions, batch) for all rows in order, at most ``size`` at a time, as for evaluation."""
        for positions in torch.split(torch.arange(len(self), device=self.device), size):
            yield positions, self.take(positions)
