"""Reads one image or one mask with Pillow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zsl_runner.data.image_folder.conf import ImageFolderConf
from zsl_runner.data.picture_files import opened
from zsl_runner.data.segmentation.records import VOID
from zsl_runner.errors import DataError

Bytes = NDArray[np.uint8]


def read_pair(image_path: Path, mask_path: Path, conf: ImageFolderConf) -> tuple[Bytes, Bytes]:
    """Return a (3, H, W) image and its (H, W) labels, resized if configured.

    Raises:
        DataError: a file is no picture, image and mask have different sizes, or the mask has other labels or colours
            than configured.
    """
    image = opened(image_path).convert("RGB")
    mask = opened(mask_path)
    if image.size != mask.size:
        raise DataError(
            f"{mask_path}: expected a mask of {_size(image)} pixels like its image {image_path}, found {_size(mask)}"
        )
    labels = Image.fromarray(_labels(mask, mask_path, conf))
    if conf.side is not None:
        size = (conf.side, conf.side)
        # Labels are names and not amounts: between two of them there is nothing.
        image, labels = image.resize(size, Image.Resampling.BILINEAR), labels.resize(size, Image.Resampling.NEAREST)
    return np.asarray(image).transpose(2, 0, 1), np.asarray(labels)


def _labels(mask: Image.Image, path: Path, conf: ImageFolderConf) -> Bytes:
    if conf.colours is not None:
        return _from_colours(np.asarray(mask.convert("RGB")), path, conf.colours)
    if mask.mode not in ("L", "P", "1"):
        raise DataError(
            f"{path}: expected a grey or palette picture whose values are labels, found mode {mask.mode}; "
            "save it as 8-bit grey, or name the classes' colours with dataset.colours"
        )
    values = np.asarray(mask).astype(np.uint8)
    if conf.threshold is not None:
        return (values > conf.threshold).astype(np.uint8)
    present = np.flatnonzero(np.bincount(values.ravel()))
    classes = len(conf.classes)
    strange = [int(value) for value in present if value >= classes and value != conf.void]
    if strange:
        void = "" if conf.void is None else f" or {conf.void} (void)"
        raise DataError(
            f"{path}: expected labels 0..{classes - 1}{void} for {classes} classes, found {strange[:5]}; name all "
            "classes in dataset.classes, or give dataset.threshold for a grey mask of two classes"
        )
    return values if conf.void is None else np.where(values == conf.void, VOID, values).astype(np.uint8)


def _from_colours(pixels: Bytes, path: Path, colours: list[str]) -> Bytes:
    codes = (pixels.astype(np.int64) * (65536, 256, 1)).sum(-1)
    labels = np.full(codes.shape, VOID, dtype=np.uint8)
    for label, colour in enumerate(colours):
        labels[codes == int(colour, 16)] = label
    if (labels == VOID).any():
        strange = [f"{code:06x}" for code in np.unique(codes[labels == VOID])[:5]]
        raise DataError(
            f"{path}: expected the colours {', '.join(colours)}, found also {', '.join(strange)}; "
            "a mask must be saved without loss (PNG, PPM), and every colour named in dataset.colours"
        )
    return labels


def _size(picture: Image.Image) -> str:
    return f"{picture.size[0]} x {picture.size[1]}"
