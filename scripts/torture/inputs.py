"""Writes small data sets: features of classes, pictures of two shapes, images with masks, idx files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

Bytes = NDArray[np.uint8]
CLASSES, UNSEEN, ROWS, WIDTH = 12, 3, 30, 16
"""Of the features: classes, the unseen ones among them, rows of each, values of a row."""
SIDE, PICTURES = 32, 12
"""Of the pictures: pixels a side, and how many are written."""


def feature_arrays(attributes: int = 8) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the variables of the two files of the xlsa17 layout; features are not negative."""
    draw = np.random.default_rng(0)
    vectors = draw.standard_normal((CLASSES, attributes))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = np.repeat(np.arange(CLASSES), ROWS)
    noise = 0.5 * draw.standard_normal((len(labels), WIDTH))
    features = np.maximum(vectors[labels] @ draw.standard_normal((attributes, WIDTH)) + noise, 0)
    seen = np.flatnonzero(labels < CLASSES - UNSEEN)
    is_test = draw.random(len(seen)) < 0.2
    names = np.array([f"class{number}" for number in range(CLASSES)], dtype=object)
    return (
        {"features": features.T, "labels": labels[:, None] + 1},
        {
            "att": vectors.T,
            "allclasses_names": names[:, None],
            "trainval_loc": seen[~is_test][:, None] + 1,
            "test_seen_loc": seen[is_test][:, None] + 1,
            "test_unseen_loc": np.flatnonzero(labels >= CLASSES - UNSEEN)[:, None] + 1,
        },
    )


def write_features(root: Path, features: Mapping[str, Any], splits: Mapping[str, Any], *, v73: bool = False) -> Path:
    """Write the two files in MATLAB's version 5 or 7.3."""
    root.mkdir(parents=True, exist_ok=True)
    for name, variables in (("res101.mat", features), ("att_splits.mat", splits)):
        if v73:
            from zsl_runner.data.sources.xlsa17.matlab_writing import version_73

            plain = {
                key: tuple(map(str, value.ravel())) if value.dtype == object else value
                for key, value in variables.items()
            }
            (root / name).write_bytes(version_73(plain))
        else:
            savemat(root / name, dict(variables))
    return root


def shape(kind: str, draw: np.random.Generator) -> Bytes:
    """Return a grey picture of a bright square or bar on a noisy dark ground; the two are not symmetric."""
    picture = np.zeros((SIDE, SIDE), np.uint8)
    if kind == "square":
        picture[SIDE // 4 : SIDE // 2, SIDE // 4 : 3 * SIDE // 4] = 200
    else:
        picture[SIDE // 8 : SIDE // 4, 2 : SIDE - 6] = 200
    noisy: Bytes = np.clip(picture + draw.integers(0, 30, picture.shape), 0, 255).astype(np.uint8)
    return noisy


def save_png(path: Path, picture: Bytes) -> None:
    """Save a grey picture as one in colours."""
    Image.fromarray(picture).convert("RGB").save(path)


def write_pictures(
    root: Path, count: int = PICTURES, ending: str = "png", save: Callable[[Path, Bytes], None] = save_png
) -> Path:
    """Write two folders of pictures, a class each."""
    draw = np.random.default_rng(0)
    for kind in ("square", "bar"):
        (root / kind).mkdir(parents=True)
        for number in range(count):
            save(root / kind / f"{number:02d}.{ending}", shape(kind, draw))
    return root


def masked_pair(draw: np.random.Generator) -> tuple[Bytes, Bytes]:
    """Return an image (32, 40, 3) with a bright rectangle, and the rectangle as a mask of zeros and ones."""
    mask = np.zeros((32, 40), np.uint8)
    left, top = draw.integers(2, 20, 2)
    mask[top : top + 8, left : left + 10] = 1
    image = np.clip(mask[..., None] * 150 + draw.integers(0, 60, (*mask.shape, 3)), 0, 255)
    return image.astype(np.uint8), mask


def write_masked(root: Path, value: int = 1) -> Path:
    """Write images and their masks, whose foreground has the given value."""
    draw = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number in range(PICTURES):
        image, mask = masked_pair(draw)
        Image.fromarray(image).save(root / "images" / f"im{number:02d}.png")
        Image.fromarray(mask * np.uint8(value)).save(root / "masks" / f"im{number:02d}.png")
    return root


def idx(array: NDArray[Any]) -> bytes:
    """Return an array of bytes as the content of an idx file."""
    header = bytes((0, 0, 8, array.ndim)) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


def idx_contents() -> dict[str, bytes]:
    """Return the four files of MNIST with 200 and 100 images of noise, as many of each digit."""
    draw = np.random.default_rng(0)
    contents = {}
    for prefix, count in (("train", 200), ("t10k", 100)):
        contents[f"{prefix}-images-idx3-ubyte"] = idx(draw.integers(0, 256, size=(count, 28, 28)))
        contents[f"{prefix}-labels-idx1-ubyte"] = idx(draw.permutation(np.arange(count) % 10))
    return contents


def write_files(root: Path, contents: Mapping[str, bytes]) -> Path:
    """Write files into a folder, which is made."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (root / name).write_bytes(content)
    return root
