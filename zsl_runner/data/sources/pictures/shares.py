"""Users' own pictures divided at random into training, validation and test ones. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from zsl_runner.config.problems import Problem
from zsl_runner.data.records import Rows
from zsl_runner.errors import OptionError


def share_problems(shares: Sequence[float]) -> Iterable[Problem]:
    """Yield that ``shares`` are not three which make a whole."""
    if len(shares) != 3 or abs(sum(shares) - 1) > 1e-6:
        yield Problem("shares", f"expected three numbers that sum to 1, found {list(shares)}")


def drawn_split(count: int, shares: Sequence[float], seed: int, folder: Path) -> dict[str, Rows]:
    """Return rows under ``train``, ``validation`` and ``test``, in the order in which they were drawn.

    Args:
        count: how many pictures there are.
        shares: of the three.
        seed: seed of the draw.
        folder: where the pictures are, for the message.

    Raises:
        DataError: there are too few pictures for three splits.
    """
    ends = np.round(np.cumsum(shares[:-1]) * count).astype(np.int64)
    parts = np.split(np.random.default_rng(seed).permutation(count), ends)
    if min(map(len, parts)) == 0:
        raise OptionError(f"{folder}: {count} images are too few for dataset.shares={list(shares)}: a split has none")
    return dict(zip(("train", "validation", "test"), parts, strict=True))


def in_words(shares: Sequence[float], seed: int) -> str:
    """Return what a drawn split is called in results."""
    return f"own (shares {', '.join(f'{share:g}' for share in shares)}, seed {seed})"
