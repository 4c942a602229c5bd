"""Writes the class that the newest checkpoint of a run finds at each pixel, as a picture for each image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_runner.config.places import require_new_folder
from zsl_runner.console import frame
from zsl_runner.evaluate.scores import described
from zsl_runner.files.writing import new_folder, rewritten
from zsl_runner.report.scores import MASKS

if TYPE_CHECKING:
    from numpy.typing import NDArray


def write_masks(
    directory: Path,
    folder: Path,
    of_training: bool = False,
    pictures: Path | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    root: Path | None = None,
) -> dict[str, Any]:
    """Write a mask for each image that the run is scored on, or for each training image.

    ``NAME.png`` belongs to the image NAME (where images have no names it is the row in the data set, from 0). It has
    the size of the image's file and a palette; its values are the classes, from the background's 0, as
    ``dataset=image_folder`` reads them.

    Args:
        directory: the run's directory.
        folder: a new folder, which is there whole or not at all.
        of_training: see `zsl_runner.evaluation.base.Evaluator.label_maps`.
        pictures: folder of pictures in place of the run's own; None takes these.
        device: where to compute.
        batch_size: images at a time; None takes the run's.
        root: folder that the run's own data were moved to; None takes the run's.

    Returns:
        What `zsl_runner.evaluate.scores.evaluate` yields of the run, the folder, and a table of the classes: of the
        images, how many a class is found in, and of their pixels the share in per cent.

    Raises:
        RunError: the run finds no classes of pixels, or not of such images; or the folder cannot be written.
    """
    with frame.lasting():
        from zsl_runner.data.images.files import PictureFiles
        from zsl_runner.data.records import of_kind
        from zsl_runner.evaluation.base import Table
        from zsl_runner.runs.opened import open_run
    run = open_run(directory, device, batch_size, root)
    if pictures is not None:
        run = run.with_pictures(pictures)
    blocks = run.label_maps(of_training)
    first = next(blocks)  # whatever is refused is refused before anything is written
    files = of_kind(run.data, PictureFiles, "images whose pixels have classes")
    names = files.class_names
    images, pixels = np.zeros((2, len(names)), dtype=np.int64)
    count = 0
    with new_folder(folder) as work:
        for block in (first, *blocks):
            for row, labels in zip(block.rows.tolist(), block.labels.cpu().numpy(), strict=True):
                counts = np.bincount(labels.ravel(), minlength=len(names))
                images += counts > 0
                pixels += counts
                count += 1
                _write(work / f"{files.file_name(row)}.png", files.in_file_size(labels, row))
        require_new_folder(folder)
    lines = zip(images.tolist(), (100 * pixels / pixels.sum()).tolist(), strict=True)
    return {
        **described(run),
        "masks": str(folder),
        "images": count,
        "tables": {MASKS: Table(tuple(names), ("images", "% of pixels"), tuple(lines)).plain()},
    }


def _write(path: Path, labels: NDArray[np.uint8]) -> None:
    from PIL import Image

    from zsl_runner.data.pairs.segmentation.records import VOID, colour_map

    picture = Image.fromarray(labels)
    picture.putpalette(colour_map(np.arange(VOID + 1)[:, None]).tobytes())  # which makes it one of a palette
    path.parent.mkdir(parents=True, exist_ok=True)  # of an image in a folder below
    with rewritten(path) as stream:
        picture.save(stream, format="PNG")
