"""Options of MNIST."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from omegaconf import MISSING

from zsl_runner.config.fields import option
from zsl_runner.config.schema import RequiredFile
from zsl_runner.data.digit_folds import DigitConf
from zsl_runner.data.mnist.files import MNISTFiles


@dataclass
class MNISTConf(DigitConf):
    """70,000 images of 28 x 28 pixels; the official test file supplies the test rows."""

    implementation: ClassVar[str] = "zsl_runner.data.mnist.source:load"
    provides: ClassVar[frozenset[str]] = DigitConf.provides | {"images"}

    kind: str = option("mnist", "the implementation; fixed by the file chosen in the group")
    root: str = option(MISSING, "folder of the four idx files; relative to the working directory")
    limit: int | None = option(None, "use only the first rows of each digit in either file; null uses all", low=10)

    def files(self) -> MNISTFiles:
        """Return the places of the idx files."""
        return MNISTFiles(self.root)

    def required_files(self) -> Iterable[RequiredFile]:
        """Yield the four idx files."""
        return self.files().required()
