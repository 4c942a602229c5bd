"""MNIST's idx files, or Fashion-MNIST's: names, place, and options of their official split. Never imports torch."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from omegaconf import MISSING

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import DatasetConf, RequiredFile
from zsl_runner.data.sources.digit_classes import DIGITS
from zsl_runner.data.sources.published import PUBLISHED
from zsl_runner.files.folders import expanded

TRAIN_IMAGES: Final = "train-images-idx3-ubyte"
TRAIN_LABELS: Final = "train-labels-idx1-ubyte"
TEST_IMAGES: Final = "t10k-images-idx3-ubyte"
TEST_LABELS: Final = "t10k-labels-idx1-ubyte"
TRAIN_ROWS: Final = 60_000
SIDE: Final = 28
FASHION: Final = "fashion_mnist"
NAMES: Final = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)


@dataclass(frozen=True)
class MNISTFiles:
    """The four files in a folder.

    Attributes:
        root: the folder.
        name: what the data set is called: `FASHION`, or anything else for MNIST.
    """

    root: str
    name: str = "mnist"

    def path(self, name: str) -> Path:
        """Return the path of an idx file: the plain one if it is there, else the gzipped one."""
        plain = expanded(self.root) / name
        # `os.path` raises no error where no one can look; the check tells of it.
        return plain if os.path.isfile(plain) else plain.with_name(f"{name}.gz")

    def required(self) -> Iterable[RequiredFile]:
        """Yield the four files."""
        published = PUBLISHED[FASHION if self.name == FASHION else "mnist"]
        for name in NAMES:
            yield RequiredFile(str(self.path(name)), published.remedy())


@dataclass
class IdxFolderConf(DatasetConf):
    """Where the four files are."""

    root: str = option(MISSING, "folder of the four idx files; relative to the working directory")

    def files(self) -> MNISTFiles:
        """Return the places of the idx files."""
        return MNISTFiles(self.root, self.name)

    def required_files(self) -> Iterable[RequiredFile]:
        """Yield the four idx files."""
        return self.files().required()


@dataclass
class OfficialSplitConf(IdxFolderConf):
    """Which rows of the four files are for what."""

    validation_rows: int = option(10_000, "last rows of the training file, for validation", low=1, high=TRAIN_ROWS - 1)
    train_limit: int | None = option(None, "use only the first training rows; null uses all", low=1)
    test_limit: int | None = option(None, "use only the first test rows; null uses all", low=1)

    def most_training_rows(self) -> int:
        """Return how many rows of the training file are not for validation."""
        return TRAIN_ROWS - self.validation_rows

    def known_sizes(self) -> tuple[int, int]:
        """Return ten classes, and the rows of the training file that are neither left out nor for validation."""
        left = self.most_training_rows()
        return DIGITS, min(left, self.train_limit or left)

    def problems(self) -> Iterable[Problem]:
        """Training rows must be left."""
        yield from super().problems()
        left = self.most_training_rows()
        if self.train_limit is not None and self.train_limit > left:
            yield Problem("train_limit", f"expected at most the {left} rows that are not for validation")
