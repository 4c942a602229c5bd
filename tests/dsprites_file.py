"""A small file in dSprites' layout: every combination of few values of the factors."""

import itertools

import numpy as np

from zsl_runner.data.sources.published import DSPRITES_FILE

SIZES = (1, 3, 2, 2, 8, 8)


def small_dsprites(folder, name=DSPRITES_FILE, **changes):
    """Write the file, with arrays of another content if given, and return its path."""
    classes = np.array(list(itertools.product(*map(range, SIZES))), dtype=np.int64)
    images = np.zeros((len(classes), 64, 64), dtype=np.uint8)
    for image, (_, shape, scale, orientation, x, y) in zip(images, classes, strict=True):
        side = 4 + 2 * scale + shape
        image[6 * y : 6 * y + side, 6 * x : 6 * x + side + 2 * orientation] = 1
    metadata = np.array({"title": "small"}, dtype=object)
    arrays = {"metadata": metadata, "imgs": images, "latents_classes": classes} | changes
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    np.savez_compressed(path, **{key: value for key, value in arrays.items() if value is not None})
    return path
