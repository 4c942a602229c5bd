"""Changes the size of grey images. Never imports torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


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
