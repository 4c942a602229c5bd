"""Options of the data sets that take MNIST's files with their official test rows. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from omegaconf import MISSING

from zsl_runner.config.fields import option
from zsl_runner.config.schema import Complaint, DatasetConf, RequiredFile
from zsl_runner.data.mnist.files import TRAIN_ROWS, MNISTFiles


@dataclass
class OfficialSplitConf(DatasetConf):
    """Where the four files are, and which rows are for what."""

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

    def most_training_rows(self) -> int:
        """Return how many rows of the training file are not for validation."""
        return TRAIN_ROWS - self.validation_rows

    def complaints(self) -> Iterable[Complaint]:
        """Training rows must be left."""
        yield from super().complaints()
        left = self.most_training_rows()
        if self.train_limit is not None and self.train_limit > left:
            yield Complaint("train_limit", f"expected at most the {left} rows that are not for validation")
