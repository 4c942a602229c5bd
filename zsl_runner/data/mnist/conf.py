"""Options of MNIST, and the names of its files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from omegaconf import MISSING

from zsl_runner.config.fields import option
from zsl_runner.config.schema import RequiredFile
from zsl_runner.data.digit_folds import DigitConf

TRAIN_IMAGES: Final = "train-images-idx3-ubyte"
TRAIN_LABELS: Final = "train-labels-idx1-ubyte"
TEST_IMAGES: Final = "t10k-images-idx3-ubyte"
TEST_LABELS: Final = "t10k-labels-idx1-ubyte"
REMEDY: Final = (
    "MNIST's four idx files (train-images, train-labels, t10k-images, t10k-labels), gzipped or not, come with many "
    "packages and courses; put them in the folder $ZSL_DATA/mnist, or give it as dataset.root=FOLDER."
)


@dataclass
class MNISTConf(DigitConf):
    """70,000 images of 28 x 28 pixels; the official test file supplies the test rows."""

    implementation: ClassVar[str] = "zsl_runner.data.mnist.source:load"
    provides: ClassVar[frozenset[str]] = DigitConf.provides | {"images"}

    kind: str = option("mnist", "the implementation; fixed by the file chosen in the group")
    root: str = option(MISSING, "folder of the four idx files; relative to the working directory")
    limit: int | None = option(None, "use only the first rows of each digit in either file; null uses all", low=10)

    def file(self, name: str) -> Path:
        """Return the path of an idx file: the plain one if it is there, else the gzipped one."""
        plain = Path(self.root).expanduser() / name
        return plain if plain.is_file() else plain.with_name(f"{name}.gz")

    def required_files(self) -> Iterable[RequiredFile]:
        """Yield the four idx files."""
        for name in (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS):
            yield RequiredFile(str(self.file(name)), REMEDY)
