"""Figures as encoded pictures, one at a time or as the frames of one that moves."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

FRAME_MILLISECONDS: Final = 700


@dataclass(frozen=True)
class Picture:
    """An encoded picture.

    Attributes:
        kind: of the encoding and the file: ``png`` or ``gif``.
        encoded: the bytes of the file.
        width: in pixels.
        height: in pixels.
    """

    kind: str
    encoded: bytes
    width: int
    height: int


def still(figure: Figure) -> Picture:
    """Return a figure as a PNG."""
    png = _png(figure)
    width, height = _opened(png).size
    return Picture("png", png, width, height)


def animated(figures: Sequence[Figure]) -> Picture:
    """Return figures of one size, at least one, as the frames of a GIF that repeats without end."""
    first, *others = [_opened(_png(figure)).convert("RGB") for figure in figures]
    moving = io.BytesIO()
    first.save(moving, "GIF", save_all=True, append_images=others, duration=FRAME_MILLISECONDS, loop=0)
    return Picture("gif", moving.getvalue(), *first.size)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _opened(png: bytes) -> Image:
    from PIL import Image

    return Image.open(io.BytesIO(png))
