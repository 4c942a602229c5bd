"""Draws one canvas: ground, strokes, pieces of digits, digits, covers, noise; and the label of each pixel."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from zsl_runner.data.sources.digit_canvas.conf import CanvasOptions
from zsl_runner.data.sources.digit_canvas.pools import INK, DigitPool
from zsl_runner.errors import OptionError

Picture = NDArray[np.float64]
Coverage = NDArray[np.float64]
Random = np.random.Generator
Window = tuple[slice, slice]
"""Rows and columns of a picture."""

BRIGHTNESS: Final = np.array([0.299, 0.587, 0.114])
DECIMALS: Final = 9
FRAGMENT: Final = (0.3, 0.5)
STROKE_LENGTH: Final = (0.3, 0.8)
STROKE_WIDTH: Final = (0.03, 0.08)
PLACES: Final = 50
CANVASES: Final = 100


def draw_canvas(pool: DigitPool, conf: CanvasOptions, random: Random) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a (3, side, side) image and its (side, side) labels.

    A pixel belongs to a digit if the digit's ink covers more than half of it; where digits overlap, to the one in
    front. Of a wider mask the part beside the ink comes after the ink of all digits.

    Args:
        pool: the digits to draw from.
        conf: what is on a canvas.
        random: all that is random.

    Raises:
        DataError: the digits do not fit on a canvas.
    """
    for _ in range(CANVASES):
        drawn = _canvas(pool, conf, random)
        if drawn is not None:
            return drawn
    raise OptionError(
        f"dataset.overlap={conf.overlap:g}: expected places for up to {conf.digits[1]} digits of up to "
        f"{conf.digit_size[1]:g} of the side on each canvas, found none in {CANVASES} canvases of {PLACES} tries each; "
        "use fewer or smaller digits, or let them overlap more"
    )


def _canvas(pool: DigitPool, conf: CanvasOptions, random: Random) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """Return an image and its labels, or None if a digit finds no place beside those before it."""
    side = conf.side
    picture = _ground(conf, random)
    labels = np.zeros((side, side), dtype=np.uint8)
    margins = labels.copy()
    taken: list[Window] = []
    shown: set[int] = set()
    for _ in range(conf.strokes):
        _paint(picture, np.s_[:, :], _stroke(side, random), _colour(conf, random))
    for _ in range(conf.fragments):
        ink, _ = _digit(pool, conf, random)
        height, width = (max(1, round(size * _between(FRAGMENT, random))) for size in ink.shape)
        piece = ink[_window(ink.shape, (height, width), random)]
        _paint(picture, _window((side, side), piece.shape, random), piece, _colour(conf, random))
    for _ in range(random.integers(conf.digits[0], conf.digits[1], endpoint=True)):
        ink, digit = _digit(pool, conf, random, shown if conf.distinct else ())
        below = _free_window(ink.shape, taken, conf, random)
        if below is None:
            return None
        colour = _distinct(picture[below].mean(axis=(0, 1)), conf, random)
        _paint(picture, below, ink, colour)
        label = 1 if conf.pixel_classes() == 2 else 1 + digit
        labels[below][ink > 0.5] = label
        if conf.dilation:
            own = np.zeros((side, side), dtype=bool)
            own[below] = ink > 0.5
            margins[dilated(own, conf.dilation)] = label
        taken.append(below)
        shown.add(digit)
    for _ in range(conf.covers):
        height, width = (max(1, round(side * _between(conf.cover_size, random))) for _ in range(2))
        picture[_window((side, side), (height, width), random)] = _colour(conf, random)
    picture += conf.noise * random.standard_normal(picture.shape if conf.colour else (side, side, 1))
    image = np.round(255 * picture.clip(0, 1)).astype(np.uint8).transpose(2, 0, 1)
    return image, np.where(labels > 0, labels, margins)


def dilated(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """Return an (h, w) mask widened to all pixels that a square of side 2 ``pixels`` + 1 about it holds.

    >>> dilated(np.array([[True, False, False]]), 1).tolist()
    [[True, True, False]]
    """
    return np.asarray(binary_dilation(mask, np.ones([2 * pixels + 1] * 2)))


def resampled(image: NDArray[np.floating], height: int, width: int) -> Picture:
    """Return an (h, w) image at another size by linear interpolation; shrinking averages, so that nothing is lost.

    >>> resampled(np.array([[0.0, 1.0]]), 1, 4).round(3).tolist()
    [[0.0, 0.25, 0.75, 1.0]]
    """
    values = _weights(image.shape[0], height) @ image @ _weights(image.shape[1], width).T
    # In which order a processor adds products must not decide on which side of a threshold a pixel falls.
    return np.asarray(values.round(DECIMALS))


def _weights(size: int, wanted: int) -> Picture:
    """Return the (wanted, size) weights of the old pixels in each new one: a triangle about the new one's centre."""
    scale = size / wanted
    centres = ((np.arange(wanted) + 0.5) * scale).clip(0.5, size - 0.5)
    distances = np.abs(np.arange(size) + 0.5 - centres[:, None])
    weights = np.maximum(0, 1 - distances / max(scale, 1.0))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _ground(conf: CanvasOptions, random: Random) -> Picture:
    """Return a picture that fades from one colour to another in some direction."""
    angle = random.uniform(0, 2 * np.pi)
    axis = np.linspace(-0.5, 0.5, conf.side)
    along = np.cos(angle) * axis[:, None] + np.sin(angle) * axis[None, :]
    share = (0.5 + along / np.sqrt(2))[:, :, None]
    return np.asarray((1 - share) * _colour(conf, random) + share * _colour(conf, random))


def _colour(conf: CanvasOptions, random: Random) -> Picture:
    return random.uniform(size=3) if conf.colour else np.full(3, random.uniform())


def _distinct(ground: Picture, conf: CanvasOptions, random: Random) -> Picture:
    """Return a colour that is at least ``conf.contrast`` brighter or darker than ``ground``."""
    while True:  # contrast < 0.5, so that from any ground one end of the scale is far enough
        colour = _colour(conf, random)
        if abs((colour - ground) @ BRIGHTNESS) >= conf.contrast:
            return colour


def _digit(pool: DigitPool, conf: CanvasOptions, random: Random, without: Collection[int] = ()) -> tuple[Coverage, int]:
    """Return the coverage (0 to 1) of a digit, cut to its ink and resized, and which digit it is."""
    chosen = random.integers(len(pool.images))
    while int(pool.labels[chosen]) in without:  # the pool has as many different digits as a canvas may need
        chosen = random.integers(len(pool.images))
    image = pool.images[chosen]
    rows, columns = np.flatnonzero((image > INK).any(1)), np.flatnonzero((image > INK).any(0))
    ink = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] / 255
    height = max(2, round(conf.side * _between(conf.digit_size, random)))
    width = min(conf.side, max(2, round(height * ink.shape[1] / ink.shape[0])))
    return resampled(ink, height, width), int(pool.labels[chosen])


def _stroke(side: int, random: Random) -> Coverage:
    """Return the (side, side) coverage of a straight line with round ends."""
    start = random.uniform(0, side, size=2)
    angle, length = random.uniform(0, 2 * np.pi), side * _between(STROKE_LENGTH, random)
    direction = np.array([np.sin(angle), np.cos(angle)])
    centres = np.arange(side) + 0.5
    offset = np.stack(np.meshgrid(centres - start[0], centres - start[1], indexing="ij"), axis=-1)
    nearest = (offset @ direction).clip(0, length)[:, :, None] * direction
    distance = np.linalg.norm(offset - nearest, axis=-1)
    return np.asarray((side * _between(STROKE_WIDTH, random) / 2 + 0.5 - distance).clip(0, 1))


def _between(limits: Sequence[float], random: Random) -> float:
    """Return a number drawn between two limits."""
    return random.uniform(limits[0], limits[1])


def _free_window(shape: tuple[int, ...], taken: Sequence[Window], conf: CanvasOptions, random: Random) -> Window | None:
    """Return a random window of ``shape`` that those taken do not overlap too much, or None if some tries find none."""
    for _ in range(PLACES):
        window = _window((conf.side, conf.side), shape, random)
        if all(overlap(window, other) <= conf.overlap for other in taken):
            return window
    return None


def overlap(one: Window, other: Window) -> float:
    """Return which share of the smaller of two windows lies in the other.

    >>> overlap(np.s_[0:4, 0:4], np.s_[2:4, 0:8]), overlap(np.s_[0:4, 0:4], np.s_[4:6, 0:2])
    (0.5, 0.0)
    """
    height, width = (max(0, min(a.stop, b.stop) - max(a.start, b.start)) for a, b in zip(one, other, strict=True))
    smaller = min((rows.stop - rows.start) * (columns.stop - columns.start) for rows, columns in (one, other))
    return float(height * width / smaller)


def _window(shape: tuple[int, ...], size: tuple[int, ...], random: Random) -> Window:
    """Return a random window of a size inside a picture of ``shape``."""
    top, left = (int(random.integers(whole - part, endpoint=True)) for whole, part in zip(shape, size, strict=True))
    return slice(top, top + size[0]), slice(left, left + size[1])


def _paint(picture: Picture, window: Window, coverage: Coverage, colour: Picture) -> None:
    """Lay a colour over part of the picture, in place."""
    picture[window] += coverage[:, :, None] * (colour - picture[window])
