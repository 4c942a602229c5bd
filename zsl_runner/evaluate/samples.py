"""Writes images that the newest checkpoint of a run makes of codes drawn from the prior, as pictures."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_runner.config.places import require_new_folder
from zsl_runner.console import frame
from zsl_runner.evaluate.scores import described
from zsl_runner.files.writing import new_folder, rewritten

if TYPE_CHECKING:
    from numpy.typing import NDArray


def write_samples(
    directory: Path,
    folder: Path,
    per_class: int = 100,
    seed: int = 0,
    device: str = "auto",
    batch_size: int | None = None,
    root: Path | None = None,
) -> dict[str, Any]:
    """Write images as PNG files: ``CLASS/000000.png`` and on, or without the folder if the model is told no classes.

    ``dataset=image_classes`` reads the former, ``dataset=unlabelled_images`` the latter.

    Args:
        directory: the run's directory.
        folder: a new folder, which is there whole or not at all.
        per_class: images of each class, or in all where there are none.
        seed: the same seed gives the same images on a machine.
        device: where to compute.
        batch_size: images at a time; None takes the run's.
        root: folder that the run's own data were moved to; None takes the run's.

    Returns:
        What `zsl_runner.evaluate.scores.evaluate` yields of the run, the folder, the names of the classes and the
        number of images.

    Raises:
        RunError: the run's model makes no images, or the folder cannot be written.
    """
    with frame.lasting():
        from zsl_runner.data.images.records import ImageRecords
        from zsl_runner.data.records import of_kind
        from zsl_runner.runs.opened import open_run
    run = open_run(directory, device, batch_size, root)
    blocks = run.samples(per_class, seed)
    first = next(blocks)  # whatever is refused is refused before anything is written
    names = of_kind(run.data, ImageRecords, "images").class_names
    places: dict[int | None, count[int]] = {}
    with new_folder(folder) as work:
        for block in (first, *blocks):
            below = work if block.label is None else work / names[block.label]
            below.mkdir(exist_ok=True)
            numbers = places.setdefault(block.label, count())
            pixels = (255 * block.images.clamp(0, 1)).round().byte().permute(0, 2, 3, 1).cpu().numpy()
            for image, number in zip(pixels, numbers):  # noqa: B905  (numbers have no end)
                _write(below / f"{number:06d}.png", image)
        require_new_folder(folder)
    classes = [names[label] for label in places if label is not None]
    return {
        **described(run),
        "samples": str(folder),
        "classes": classes,
        "images": per_class * max(1, len(classes)),
        "seed": seed,
    }


def _write(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write (H, W, C) pixels, one channel as grey."""
    from PIL import Image

    with rewritten(path) as stream:
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(stream, format="PNG")
