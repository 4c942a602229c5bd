"""Random numbers for rows that are measured in blocks: a row has the same ones however many are measured at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class RowDraws(NamedTuple):
    """Draws for consecutive rows of a block: it draws for the whole block, and gives what is theirs.

    Attributes:
        generator: draws the numbers.
        first: place of the first row in the block.
        block: number of rows of the block; None for a block of the rows alone.
    """

    generator: torch.Generator
    first: int = 0
    block: int | None = None

    def normal(self, *shape: int, rows: int = 0) -> Tensor:
        """Return standard normal numbers of a shape whose axis ``rows`` counts the rows."""
        own = torch.randn(self._whole(shape, rows), generator=self.generator, device=self.generator.device)
        return own.narrow(rows, self.first, shape[rows])

    def uniform(self, *shape: int, rows: int = 0) -> Tensor:
        """Return numbers between 0 and 1, likewise."""
        own = torch.rand(self._whole(shape, rows), generator=self.generator, device=self.generator.device)
        return own.narrow(rows, self.first, shape[rows])

    def _whole(self, shape: tuple[int, ...], rows: int) -> tuple[int, ...]:
        return shape if self.block is None else (*shape[:rows], self.block, *shape[rows + 1 :])


def blocks_with_draws(
    count: int, size: int, drawn: int, generators: Sequence[torch.Generator]
) -> Iterator[tuple[Tensor, list[RowDraws]]]:
    """Yield positions of all rows in order, and beside them what draws for these rows from each generator.

    Args:
        count: number of rows.
        size: rows at a time, at most.
        drawn: rows that numbers are drawn for at a time; no more are yielded at a time. Another number draws others.
        generators: each is asked for the same numbers beside every yield; all on one device, as the positions.
    """
    device = generators[0].device
    for start in range(0, count, drawn):
        block = min(drawn, count - start)
        states = [generator.get_state() for generator in generators]
        for first in range(0, block, size):
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(state)
            places = torch.arange(start + first, start + min(first + size, block), device=device)
            yield places, [RowDraws(generator, first, block) for generator in generators]
