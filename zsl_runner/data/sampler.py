"""Draws batches of row positions, epoch by epoch, with a state that a checkpoint can hold."""

from __future__ import annotations

import torch
from torch import Tensor


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
