"""Reads one image and its mask, whose values are labels as stored, never through a conversion of colours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zsl_runner.data.pairs.segmentation.records import VOID
from zsl_runner.data.sources.image_folder.conf import PictureFolderOptions
from zsl_runner.data.sources.pictures.decoding import decoded, orientation_of, upright
from zsl_runner.data.sources.pictures.depth import DEEP, stored_values
from zsl_runner.data.sources.pictures.pixels import TURNED, Shown, read_image
from zsl_runner.errors import DataError

EXACT_COLOURS: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})
"""Modes whose pixels have a red, a green and a blue byte without calculation."""

_PGM = re.compile(rb"P[25](?:(?:\s|#[^\n]*\n)+\d+){2}(?:\s|#[^\n]*\n)+(\d+)")


def read_values(path: Path, *, white: int = 1) -> NDArray[np.int64]:
    """Return the (H, W) values of a grey or palette mask: grey values or numbers of palette colours.

    Args:
        path: the file.
        white: value of the white pixels of a mask of one bit.

    Raises:
        DataError: see `decoded`; the mask has several channels or fractions.
    """
    with decoded(path) as picture:
        orientation, mode = orientation_of(picture), picture.mode
        if mode == "1":
            values = np.asarray(picture).astype(np.int64) * white
        elif mode in ("L", "P"):
            values = np.asarray(picture).astype(np.int64)
        elif mode in DEEP and mode != "F":
            values = stored_values(picture)
        else:
            raise DataError(
                f"{path}: expected a grey or palette picture whose values are labels, found mode {mode}; "
                "save it as 8-bit grey, or name the classes' colours with dataset.colours"
            )
        if picture.format == "PPM" and mode != "1":
            values = _unscaled(values, path, 255 if mode == "L" else 65_535)
    return upright(values, orientation)


def read_colours(path: Path) -> NDArray[np.int64]:
    """Return the (H, W) colours of a mask as numbers 0xRRGGBB.

    Raises:
        DataError: see `decoded`; the mask's colours are not stored as bytes of red, green and blue.
    """
    with decoded(path) as picture:
        orientation, mode = orientation_of(picture), picture.mode
        if mode not in EXACT_COLOURS:
            raise DataError(f"{path}: expected a mask in RGB colours, found mode {mode}; save it as an RGB PNG")
        pixels = np.asarray(picture.convert("RGB"))
    codes: NDArray[np.int64] = (pixels.astype(np.int64) * (65536, 256, 1)).sum(-1)
    return upright(codes, orientation)


def _unscaled(values: NDArray[Any], path: Path, white: int) -> NDArray[Any]:
    """Undo that Pillow stretches the values of a PGM file, whose header names the largest, to 0..``white``."""
    with path.open("rb") as stream:
        header = _PGM.match(stream.read(2**16))
    largest = white if header is None else int(header[1])
    return values if largest == white else (values * largest + white // 2) // white


Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class PicturePair:
    """An image and its mask.

    Attributes:
        image: (3, H, W).
        labels: (H, W) class of each pixel, or `VOID`.
        values: what the mask's file holds, ascending: its values, or its colours as numbers 0xRRGGBB.
        changes: what was done to show the image, see `zsl_runner.data.sources.pictures.pixels.Shown`.
        size: height and width of the image before it was resized.
    """

    image: Bytes
    labels: Bytes
    values: tuple[int, ...]
    changes: tuple[str, ...]
    size: tuple[int, int]


@dataclass(frozen=True)
class PicturePairs:
    """Images and their masks.

    Attributes:
        images: (N, 3, H, W).
        labels: (N, H, W), see `PicturePair`.
        values: of each mask, see `PicturePair`.
        changes: of all images.
        sizes: (N, 2) heights and widths, see `PicturePair`.
    """

    images: Bytes
    labels: Bytes
    values: list[tuple[int, ...]]
    changes: list[str]
    sizes: NDArray[np.int64]


def read_pair(image_path: Path, mask_path: Path | None, conf: PictureFolderOptions) -> PicturePair:
    """Return an image and its labels, both upright and resized if configured; without a mask all of it is void.

    Raises:
        DataError: a file is no picture, image and mask have different sizes, or the mask has other labels or colours
            than configured.
    """
    shown = read_image(image_path, colour=True)
    size = (shown.pixels.shape[0], shown.pixels.shape[1])
    if mask_path is None:
        image = _sized(shown, conf.side)
        return PicturePair(image, np.full(image.shape[1:], VOID, dtype=np.uint8), (), shown.changes, size)
    if conf.colours is not None:
        stored = read_colours(mask_path)
    else:
        stored = read_values(mask_path, white=1 if conf.threshold is None else 255)
    if shown.pixels.shape[:2] != stored.shape:
        turned = f", which is {TURNED.replace('their', 'its')}" if TURNED in shown.changes else ""
        raise DataError(
            f"{mask_path}: expected a mask of {_size(shown.pixels)} pixels like its image {image_path}{turned}, "
            f"found {_size(stored)}"
        )
    values = _present(stored)
    labels = _labels(stored, values, mask_path, conf)
    if conf.side is not None:
        # Labels are names and not amounts: between two of them there is nothing.
        labels = np.asarray(Image.fromarray(labels).resize((conf.side, conf.side), Image.Resampling.NEAREST))
    return PicturePair(_sized(shown, conf.side), labels, values, shown.changes, size)


def read_pairs(files: Sequence[tuple[Path, Path | None]], conf: PictureFolderOptions) -> PicturePairs:
    """Return images with their labels, which all have one size.

    Raises:
        DataError: see `read_pair`; or the images differ in size.
    """
    first = read_pair(*files[0], conf).labels.shape
    images = np.empty((len(files), 3, *first), dtype=np.uint8)
    labels = np.empty((len(files), *first), dtype=np.uint8)
    sizes = np.empty((len(files), 2), dtype=np.int64)
    changes: list[str] = []
    values: list[tuple[int, ...]] = []
    for position, paths in enumerate(files):
        pair = read_pair(*paths, conf)
        if pair.labels.shape != first:
            raise DataError(
                f"{paths[0]}: expected {first[1]} x {first[0]} pixels like {files[0][0]}, "
                f"found {pair.labels.shape[1]} x {pair.labels.shape[0]}; give dataset.side to resize all to squares"
            )
        images[position], labels[position], sizes[position] = pair.image, pair.labels, pair.size
        changes += pair.changes
        values.append(pair.values)
    return PicturePairs(images, labels, values, changes, sizes)


def _sized(shown: Shown, side: int | None) -> Bytes:
    """Return the (3, H, W) bytes of an image, resized if configured."""
    pixels = shown.pixels
    if side is not None:
        pixels = np.asarray(shown.picture().resize((side, side), Image.Resampling.BILINEAR))
    return pixels.transpose(2, 0, 1)


def _labels(stored: NDArray[np.int64], values: tuple[int, ...], path: Path, conf: PictureFolderOptions) -> Bytes:
    if conf.colours is not None:
        return _from_colours(stored, values, path, conf.colours)
    if conf.threshold is not None:
        return (stored > conf.threshold).astype(np.uint8)
    classes = len(conf.classes)
    strange = [value for value in values if not 0 <= value < classes and value != conf.void]
    if strange:
        void = "" if conf.void is None else f" or {conf.void} (void)"
        raise DataError(
            f"{path}: expected labels 0..{classes - 1}{void} for {classes} classes, found {strange[:5]}; name all "
            "classes in dataset.classes, or give dataset.threshold for a grey mask of two classes"
        )
    return (stored if conf.void is None else np.where(stored == conf.void, VOID, stored)).astype(np.uint8)


def _from_colours(stored: NDArray[np.int64], values: tuple[int, ...], path: Path, colours: list[str]) -> Bytes:
    codes = [int(colour, 16) for colour in colours]
    strange = [f"{value:06x}" for value in values if value not in codes]
    if strange:
        raise DataError(
            f"{path}: expected the colours {', '.join(colours)}, found also {', '.join(strange[:5])}; "
            "a mask must be saved without loss (PNG, PPM), and every colour named in dataset.colours"
        )
    labels = np.zeros(stored.shape, dtype=np.uint8)
    for label, code in enumerate(codes):
        labels[stored == code] = label
    return labels


def _present(stored: NDArray[np.int64]) -> tuple[int, ...]:
    """Return the values that occur, ascending; counting is faster than sorting where they are small."""
    small = stored.min() >= 0 and stored.max() < 2**16
    return tuple((np.flatnonzero(np.bincount(stored.ravel())) if small else np.unique(stored)).tolist())


def _size(pixels: NDArray[np.int64] | Bytes) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]}"
