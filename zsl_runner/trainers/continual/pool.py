"""The rows that a phase draws from, and what resting networks say about them, once instead of with every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zsl_runner.data.rows import EpochSampler
from zsl_runner.streams import Streams
from zsl_runner.training.base import Drawn


@dataclass(frozen=True)
class RowDraw(Drawn):
    """The rows of a step.

    Attributes:
        positions: (B,) int64, of the training rows.
    """

    positions: Tensor


@dataclass(frozen=True)
class PoolDraw(RowDraw):
    """The rows of a step of the main network.

    Attributes:
        places: (B,) int64, of the same rows among those that the phase draws from.
    """

    places: Tensor


class RowPool:
    """Hands out the rows of a phase in a new random order with every pass; there are none before the first phase.

    Args:
        streams: of the run.
        device: of the data.

    Attributes:
        rows: (n,) int64 positions of the training rows that the phase draws from.
    """

    def __init__(self, streams: Streams, device: torch.device) -> None:
        self._streams = streams
        self.rows = torch.empty(0, dtype=torch.int64, device=device)
        self._stream = ""
        self._sampler: EpochSampler | None = None

    def begin(self, rows: Tensor, stream: str) -> None:
        """Draw from other rows from now on.

        Args:
            rows: (n,) int64 positions, at least one.
            stream: name of the random stream that orders them.
        """
        self.rows, self._stream = rows, stream
        self._sampler = EpochSampler(len(rows), self._streams[stream])

    def draw(self, size: int) -> PoolDraw:
        """Return the next rows, all different: ``size``, or all if there are fewer."""
        assert self._sampler is not None
        places = self._sampler.draw(size)
        return PoolDraw(self.rows[places], places)

    def state_dict(self) -> dict[str, Any]:
        """Return the rows of the present phase and the order they are drawn in."""
        sampler = None if self._sampler is None else self._sampler.state_dict()
        return {"pool": self.rows, "stream": self._stream, "sampler": sampler}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        if state["sampler"] is not None:
            self.begin(state["pool"], state["stream"])
            assert self._sampler is not None
            self._sampler.load_state_dict(state["sampler"])


@torch.no_grad()
def answered(answer: Callable[[Tensor], Tensor], rows: Tensor, size: int) -> Tensor:
    """Return what is answered about rows, in batches of the size that training takes.

    The last batch overlaps the one before it rather than being shorter: how a matrix product is computed depends on the
    number of its rows, so that a row has the same bits in all batches of one size, and not in others.

    Args:
        answer: from (size,) int64 positions to (size, ...) values, each of its own row.
        rows: (n,) int64 positions.
        size: rows of a batch, at most n.

    Returns:
        (n, ...) values.

    >>> answered(lambda positions: 10 * positions, torch.tensor([4, 1, 3, 0, 2]), 2)
    tensor([40, 10, 30,  0, 20])
    """
    last = len(rows) - size
    found = answer(rows[last:])
    answers = found.new_empty((len(rows), *found.shape[1:]))
    answers[last:] = found
    for start in range(0, last, size):
        answers[start : start + size] = answer(rows[start : start + size])
    return answers
