"""What data sources return: plain numpy arrays, splits and provenance. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from zsl_runner.errors import DataError
from zsl_runner.files.names import some

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class SourceFile:
    """One file the data came from.

    Attributes:
        path: path as configured.
        sha256: checksum of its content.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class Provenance:
    """Where the data came from; stored in every result.

    Attributes:
        kind: ``real``, ``embedded``, ``generated`` or ``synthetic`` (features invented for speed work).
        feature_kind: the features in words, e.g. ``ResNet fc1000, 1000-d, signed``.
        semantics: the class vectors in words, e.g. ``att: 312 attributes, unit L2``; of other data what is predicted.
        split_version: e.g. ``PS1``; ``own`` for a split that no paper uses.
        files: the files read.
        notes: everything else a reader of the result should know, e.g. rows dropped from a split.
        warnings: what a reader must know before trusting any metric on these data, in sentences; they stand among the
            ``warnings`` of the result.
    """

    kind: str
    feature_kind: str
    semantics: str
    split_version: str
    files: tuple[SourceFile, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def remarks(self) -> Iterable[tuple[str, str]]:
        """Yield (``warning`` or ``note``, text), warnings first."""
        yield from (("warning", text) for text in self.warnings)
        yield from (("note", text) for text in self.notes)


class Records:
    """Base of what a data source returns.

    Attributes:
        name: label of the data set.
        provenance: where all this came from.

    Attributes of the class:
        INVARIANTS: what has been checked of all records of the class, in words.
    """

    INVARIANTS: ClassVar[str] = ""
    name: str
    provenance: Provenance

    def origin(self) -> dict[str, Any]:
        """Return name and provenance as a result keeps them; what is a warning stands elsewhere in it."""
        kept = asdict(self.provenance)
        del kept["warnings"]
        return {"name": self.name, **kept}

    def problems(self) -> list[str]:
        """Return every violated invariant in words (``field: expected ..., found ...``); empty if all is sound."""
        raise TypeError(f"{type(self).__name__} checks nothing")

    def doubts(self) -> list[str]:
        """Return in sentences what makes metrics on sound data worthless, e.g. a class nobody can learn."""
        return []

    def sizes(self) -> str:
        """Return in words how many rows of what there are."""
        raise TypeError(f"{type(self).__name__} has no sizes")

    def facts(self) -> Iterable[tuple[str, str]]:
        """Yield (label, text) of what a reader should check."""
        return ()


@dataclass(frozen=True)
class Wording:
    """How messages speak of what is in records, so that they name it as the files do.

    Attributes:
        first: the number of the first class and the first row.
        names: what a field of the records is called, where it has another name.
    """

    first: int = 0
    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, of: str) -> str:
        """Return the name of a field."""
        return self.names.get(of, of)

    def number(self, index: int) -> int:
        """Return the number of a class or row."""
        return int(index) + self.first

    def numbers(self, indices: Iterable[int]) -> str:
        """Return the numbers of some classes, the first five of many."""
        return some(map(str, sorted(map(self.number, indices))))

    def span(self, low: int, high: int) -> str:
        """Return a range of numbers in words."""
        return f"{self.number(low)}..{self.number(high)}"


OWN: Final = Wording(names={"val": "validation"})
"""As the records themselves."""


SPLIT_NAMES: Final = {"train": "training", "val": "validation", "test": "test"}


class SplitRecords(Records):
    """Base of data whose rows are for training, validation or testing.

    Attributes:
        train: row indices.
        validation: row indices.
        test: row indices.
    """

    train: Rows
    validation: Rows
    test: Rows

    def splits(self) -> dict[str, Rows]:
        """Return the row indices under ``train``, ``val`` and ``test``."""
        return {"train": self.train, "val": self.validation, "test": self.test}


def only_tested(count: int) -> dict[str, Any]:
    """Return splits of ``count`` rows that are all there for testing."""
    nothing = np.empty(0, dtype=np.int64)
    return {"train": nothing, "validation": nothing, "test": np.arange(count, dtype=np.int64)}


SomeRecords = TypeVar("SomeRecords", bound=Records)
Kind = TypeVar("Kind")


def checked(records: SomeRecords, origin: str) -> SomeRecords:
    """Return ``records`` unchanged if all invariants hold.

    Args:
        records: the data set.
        origin: the file or folder it came from, for the message.

    Raises:
        DataError: naming ``origin`` and every violated invariant.
    """
    found = records.problems()
    if found:
        raise DataError(f"{origin}: the data are inconsistent:\n  " + "\n  ".join(found))
    return records


def of_kind(records: Records, kind: type[Kind], what: str) -> Kind:
    """Return records that are of a kind.

    Args:
        records: of any kind.
        kind: their class, or a part of it.
        what: the kind in words.

    Raises:
        DataError: they are of another one.
    """
    if isinstance(records, kind):
        return records
    raise DataError(f"{records.name}: expected {what}, found {type(records).__name__}")


def split_problems(splits: Mapping[str, Rows], count: int, wording: Wording = OWN) -> list[str]:
    """Return in words what is wrong with splits of ``count`` rows: empty ones, rows out of range or in two of them."""
    found = []
    used = np.zeros(count, dtype=np.int64)
    for split, rows in splits.items():
        name = wording.name(split)
        if len(rows) == 0:
            found.append(f"{name}: expected row indices, found none")
        elif rows.min() < 0 or rows.max() >= count:
            expected, held = wording.span(0, count - 1), wording.span(rows.min(), rows.max())
            found.append(f"{name}: expected row indices in {expected}, found {held}")
        else:
            used += np.bincount(rows, minlength=count)
    repeated = int(np.count_nonzero(used > 1))
    if repeated:
        found.append(
            f"{wording.name('splits')}: expected disjoint index sets without duplicates, "
            f"{repeated} rows occur more than once"
        )
    return found
