"""What networks that rest during a task say about its rows, computed once instead of with every step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


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
