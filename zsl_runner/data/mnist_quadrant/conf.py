"""Options of MNIST's quadrants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from omegaconf import MISSING

from zsl_runner.config.fields import option
from zsl_runner.config.schema import Complaint, RequiredFile
from zsl_runner.data.mnist.files import TRAIN_ROWS, MNISTFiles
from zsl_runner.data.quadrants import QuadrantConf


@dataclass
class MNISTQuadrantConf(QuadrantConf):
    """Some quadrants of a digit given the others; official test file, validation rows from the training file."""

    implementation: ClassVar[str] = "zsl_runner.data.mnist_quadrant.source:load"

    kind: str = option("mnist_quadrant", "the implementation; fixed by the file chosen in the group")
    root: str = option(MISSING, "folder of the four idx files; relative to the working directory")
    validation_rows: int = option(10_000, "last rows of the training file, for validation", low=1, high=TRAIN_ROWS - 1)
    train_limit: int | None = option(None, "use only the first training rows; null uses all", low=1)
    test_limit: int | None = option(None, "use only the first test rows; null uses all", low=1)

    def files(self) -> MNISTFiles:
        """Return the places of the idx files."""
        return MNISTFiles(self.root)

    def required_files(self) -> Iterable[RequiredFile]:
        """Yield the four idx files."""
        return self.files().required()

    def complaints(self) -> Iterable[Complaint]:
        """Training rows must be left."""
        yield from super().complaints()
        left = TRAIN_ROWS - self.validation_rows
        if self.train_limit is not None and self.train_limit > left:
            yield Complaint("train_limit", f"expected at most the {left} rows that are not for validation")
