"""Names and places of MNIST's idx files. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from zsl_runner.config.paths import expanded
from zsl_runner.config.schema import RequiredFile

TRAIN_IMAGES: Final = "train-images-idx3-ubyte"
TRAIN_LABELS: Final = "train-labels-idx1-ubyte"
TEST_IMAGES: Final = "t10k-images-idx3-ubyte"
TEST_LABELS: Final = "t10k-labels-idx1-ubyte"
TRAIN_ROWS: Final = 60_000
NAMES: Final = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
REMEDY: Final = (
    "MNIST's four idx files (train-images, train-labels, t10k-images, t10k-labels), gzipped or not, come with many "
    "packages and courses; put them in the folder $ZSL_DATA/mnist, or give it as dataset.root=FOLDER."
)


@dataclass(frozen=True)
class MNISTFiles:
    """The four files in a folder.

    Attributes:
        root: the folder.
    """

    root: str

    def path(self, name: str) -> Path:
        """Return the path of an idx file: the plain one if it is there, else the gzipped one."""
        plain = expanded(self.root) / name
        return plain if plain.is_file() else plain.with_name(f"{name}.gz")

    def required(self) -> Iterable[RequiredFile]:
        """Yield the four files."""
        for name in NAMES:
            yield RequiredFile(str(self.path(name)), REMEDY)
