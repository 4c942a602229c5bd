"""What is known of the files that images were read from, for writing something that belongs to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zsl_runner.errors import DataError


@dataclass(frozen=True, kw_only=True)
class PictureFiles:
    """Part of records of images of which each pixel has a class.

    Attributes:
        class_names: K names of the classes of pixels; class 0 is the background.
        names: of the images, each the path below their folder without its ending; empty if they are of no files.
        file_sizes: (N, 2) int64 height and width of the images as their files show them, before they were resized; None
            if they are of no files.
    """

    class_names: tuple[str, ...]
    names: tuple[str, ...] = ()
    file_sizes: NDArray[np.int64] | None = None

    def file_name(self, row: int) -> str:
        """Return the name of an image, or its row as a number where it has none."""
        return self.names[row] if self.names else f"{row:06d}"

    def in_file_size(self, labels: NDArray[np.uint8], row: int) -> NDArray[np.uint8]:
        """Return the (H, W) label map of an image in the size of its file: each pixel has the label of the nearest."""
        if self.file_sizes is None or labels.shape == tuple(self.file_sizes[row]):
            return labels
        height, width = (int(side) for side in self.file_sizes[row])
        return np.asarray(Image.fromarray(labels).resize((width, height), Image.Resampling.NEAREST))


def same_size(folder: Path, images: NDArray[np.uint8], own: NDArray[np.uint8]) -> None:
    """Refuse (n, C, H, W) images of a folder that have not the size of a data set's own, which were not resized.

    Raises:
        DataError: naming both sizes.
    """
    if images.shape[1:] != own.shape[1:]:
        (height, width), (expected_height, expected_width) = images.shape[2:], own.shape[2:]
        raise DataError(
            f"{folder}: expected pictures of {expected_width} x {expected_height} pixels, as those of the run are, "
            f"found {width} x {height}; a data set with dataset.side resizes all"
        )
