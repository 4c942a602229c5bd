"""Whether there is anything to be seen on images. Never imports torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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
