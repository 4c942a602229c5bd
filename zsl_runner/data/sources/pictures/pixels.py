"""From a file to pixels as a viewer shows them: upright, eight bits a channel, on white where it is transparent.

Never imports torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zsl_runner.data.sources.pictures.decoding import decoded, has_more_frames, orientation_of, upright
from zsl_runner.data.sources.pictures.depth import DEEP, grey_bytes

GROUND: Final = 255
"""Grey value, white, on which transparent pixels are laid."""

OPAQUE: Final = np.array([255])
TRANSPARENT: Final = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})

TURNED: Final = "turned by their EXIF orientation"
DEEPER: Final = "with more than 8 bits a pixel, scaled to 8"
LAID: Final = "with transparent pixels, laid on white"
FRAMES: Final = "with several frames, of which the first is taken"


@dataclass(frozen=True)
class Shown:
    """A picture as a viewer shows it.

    Attributes:
        pixels: (H, W, 3) red, green and blue, or (H, W) grey.
        changes: what was done to show it: some of `TURNED`, `DEEPER`, `LAID`, `FRAMES`.
    """

    pixels: NDArray[np.uint8]
    changes: tuple[str, ...]

    def picture(self) -> Image.Image:
        """Return the pixels for Pillow to resize."""
        return Image.fromarray(self.pixels)


def read_image(path: Path, *, colour: bool) -> Shown:
    """Return a picture's pixels in colours or, with the weights 0.299, 0.587, 0.114 of red, green and blue, in grey.

    Colour profiles are not applied.

    Raises:
        DataError: see `decoded` and `grey_bytes`.
    """
    with decoded(path) as picture:
        orientation = orientation_of(picture)
        shown, alpha = _deep(picture, path) if picture.mode in DEEP else _bytes(picture, "RGB" if colour else "L")
        laid = bool((alpha < 255).any())
        if laid:
            shown = _laid(shown, alpha)
        if colour and shown.ndim == 2:
            shown = np.repeat(shown[..., np.newaxis], 3, axis=2)
        elif not colour and shown.ndim == 3:
            shown = np.asarray(Image.fromarray(shown).convert("L"))
        happened = {
            TURNED: orientation != 1,
            DEEPER: picture.mode in DEEP,
            LAID: laid,
            FRAMES: has_more_frames(picture),
        }
    return Shown(upright(shown, orientation), tuple(change for change, did in happened.items() if did))


def notes_on(changes: Iterable[str]) -> tuple[str, ...]:
    """Return how many pictures were changed in which way, for the record; see `Shown.changes`."""
    return tuple(f"{count:,} picture{'s'[: count != 1]} {change}" for change, count in sorted(Counter(changes).items()))


def _bytes(picture: Image.Image, mode: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return pixels in a mode or, if some may be transparent, in colours; and their opacity, of one value if all is."""
    if picture.mode not in TRANSPARENT and "transparency" not in picture.info:
        return np.asarray(picture.convert(mode)), OPAQUE
    if picture.mode == "La":  # the one mode Pillow takes in two steps
        picture = picture.convert("LA")
    pixels = np.asarray(picture.convert("RGBA"))
    return pixels[..., :3], pixels[..., 3]


def _deep(picture: Image.Image, path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return grey pixels of more than eight bits, scaled, and their opacity: a PNG may call one value transparent."""
    clear = picture.info.get("transparency")
    opacity = np.where(np.asarray(picture) == clear, 0, 255) if isinstance(clear, int) else OPAQUE
    return grey_bytes(picture, path), opacity


def _laid(shown: NDArray[Any], alpha: NDArray[Any]) -> NDArray[np.uint8]:
    r"""Return ``(a x + (255 - a) g) / 255``, rounded, of pixels x with the opacity a on the ground g."""
    share = alpha.astype(np.int64).reshape(*alpha.shape, *(1,) * (shown.ndim - alpha.ndim))
    mixed: NDArray[np.int64] = (share * shown + (255 - share) * GROUND + 127) // 255
    return mixed.astype(np.uint8)
