"""Rows that an evaluator assigned to classes, and the table of them in a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby
from typing import Any, TypeVar

import torch
from torch import Tensor


@dataclass(frozen=True)
class Decided:
    """What rows of one group were assigned to, without the scores.

    Attributes:
        name: see `Predictions`.
        labels: likewise.
        candidates: likewise.
        predicted: (n,) int64 classes predicted among all candidates.
        predicted_unseen: (n,) int64 classes predicted among the unseen ones; None for rows of seen classes.
        calibrated: see `Predictions`.
    """

    name: str
    labels: Tensor | None
    candidates: Tensor
    predicted: Tensor
    predicted_unseen: Tensor | None
    calibrated: Tensor | None


@dataclass(frozen=True)
class Predictions:
    """Scored rows of one group, or a block of them; the largest score wins.

    Attributes:
        name: the group, for example ``test_unseen``: evaluation set, and whether the classes of the rows are seen.
        rows: (n,) int64 positions of the rows in the data they are of, from 0.
        labels: (n,) int64 true classes; None if nobody knows them.
        candidates: (C,) int64 candidates, the stage's seen classes before its unseen ones.
        scores: (n, C) scores for all candidates.
        conventional: (n, U) scores for the unseen classes alone, the last U candidates; None for rows of seen classes.
        calibrated: (n,) int64 classes predicted among all candidates under the offset of calibrated stacking that
            validation chose; None if it chose none.
    """

    name: str
    rows: Tensor
    labels: Tensor | None
    candidates: Tensor
    scores: Tensor
    conventional: Tensor | None = None
    calibrated: Tensor | None = None

    @property
    def predicted(self) -> Tensor:
        """The (n,) classes predicted among all candidates."""
        return self.candidates[self.scores.argmax(1)]

    @property
    def among_unseen(self) -> Predictions | None:
        """The same rows with the unseen classes alone as candidates; None for rows of seen classes."""
        if self.conventional is None:
            return None
        unseen = self.candidates[-self.conventional.shape[1] :]
        return replace(self, candidates=unseen, scores=self.conventional, calibrated=None)

    @property
    def predicted_unseen(self) -> Tensor | None:
        """The (n,) classes predicted among the unseen ones; None for rows of seen classes."""
        return None if self.among_unseen is None else self.among_unseen.predicted

    @property
    def decided(self) -> Decided:
        """The classes alone."""
        return Decided(self.name, self.labels, self.candidates, self.predicted, self.predicted_unseen, self.calibrated)


Rows = TypeVar("Rows", bound=Decided | Predictions)


def joined(blocks: Iterable[Rows]) -> list[Rows]:
    """Return whole groups, of blocks of rows in which those of a group follow one another."""
    found = []
    for _, of_group in groupby(blocks, lambda block: block.name):
        first, *others = of_group
        whole: dict[str, Any] = {
            key: torch.cat([column, *(getattr(other, key) for other in others)])
            for key, column in vars(first).items()
            if isinstance(column, Tensor) and key != "candidates"
        }
        found.append(replace(first, **whole))
    return found


def as_csv(
    blocks: Iterable[Predictions], class_names: Sequence[str], images: Sequence[str] | None = None
) -> Iterator[str]:
    """Yield a line of headings, and one for each row, with the scores for all candidates.

    Columns: ``row``, ``split``, ``true`` (empty if nobody knows), ``predicted`` (among all candidates),
    ``predicted_unseen`` (among the unseen classes; empty for rows of seen classes), ``predicted_calibrated`` (among all
    candidates under the offset that validation chose; empty if it chose none), then ``score: <class>`` for each
    candidate, in nine digits, which are all that single precision has.

    Args:
        blocks: at least one, with the same candidates; each is asked for when those before it are lines.
        class_names: names by class id.
        images: names of the pictures behind the rows, by row, which a column ``image`` after ``row`` then has.
    """
    writer = csv.writer(_Returned(), lineterminator="\n")
    blocks = iter(blocks)
    first = next(blocks)
    scored = [f"score: {class_names[label]}" for label in first.candidates.tolist()]
    pictured = [] if images is None else ["image"]
    yield writer.writerow(
        ["row", *pictured, "split", "true", "predicted", "predicted_unseen", "predicted_calibrated", *scored]
    )

    def named(labels: Tensor | None, rows: int) -> list[str]:
        return [""] * rows if labels is None else [class_names[label] for label in labels.tolist()]

    for block in chain([first], blocks):
        found = block.decided
        by_row = (found.labels, found.predicted, found.predicted_unseen, found.calibrated)
        columns = (named(labels, len(block.rows)) for labels in by_row)
        for position, *classes, scores in zip(block.rows.tolist(), *columns, block.scores, strict=True):
            picture = [] if images is None else [images[position]]
            digits = (f"{score:.9g}" for score in scores.tolist())
            yield writer.writerow([position, *picture, block.name, *classes, *digits])


class _Returned:
    """Where a writer of CSV writes to whoever called it."""

    def write(self, text: str) -> str:
        """Return the text, and so `csv.writer`'s ``writerow`` does."""
        return text
