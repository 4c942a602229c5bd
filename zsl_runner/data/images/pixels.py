"""Images as arrays of bytes: whether there is anything to be seen on them, and their size. Never imports torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def contrast_problems(images: NDArray[np.uint8]) -> list[str]:
    """Return in words what is wrong with (N, C, H, W) images that are all the same."""
    if images.min() == images.max():
        return ["images: expected contrast, found one single grey value"]
    # Ends with the first image that differs, as a rule the second.
    if len(images) > 1 and all(np.array_equal(image, images[0]) for image in images[1:]):
        return [f"images: expected different images, found one image {len(images)} times"]
    return []


def contrast_doubts(images: NDArray[np.uint8]) -> list[str]:
    """Return in a sentence that images are flat, if all are; ends with the first that is not."""
    flat = all((image == image[:, :1, :1]).all() for image in images)
    return ["Each image is of one single colour: there is nothing to be seen on any."] if flat else []


def resized(images: NDArray[np.uint8], side: int | None) -> NDArray[np.uint8]:
    """Return (N, S, S) grey images of another size, interpolated bilinearly and rounded to bytes.

    Args:
        images: (N, H, W).
        side: S; None returns the images as they are.
    """
    if side is None or images.shape[1:] == (side, side):
        return images
    out = np.empty((len(images), side, side), dtype=np.uint8)
    for place, image in enumerate(images):
        out[place] = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))
    return out
