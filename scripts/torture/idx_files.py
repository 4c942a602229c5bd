"""Mutations of idx files and of an archive of arrays."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from scripts.torture import inputs
from scripts.torture.mutation import Mutation, Records, cut, flip, harmless, one_of

IMAGES = "train-images-idx3-ubyte"
SIZES = (1, 3, 2, 2, 8, 8)


def write_idx(root: Path) -> Path:
    """Write sound files of digits."""
    return inputs.write_files(root, inputs.idx_contents())


def write_npz(root: Path, **changes: Any) -> Path:
    """Write a sound archive in dSprites' layout, of few values of the factors."""
    from zsl_runner.data.sources.published import DSPRITES_FILE

    classes = np.array(list(itertools.product(*map(range, SIZES))), dtype=np.int64)
    images = np.zeros((len(classes), 64, 64), dtype=np.uint8)
    for image, (_, shape, scale, turn, x, y) in zip(images, classes, strict=True):
        side = 4 + 2 * scale + shape
        image[6 * y : 6 * y + side, 6 * x : 6 * x + side + 2 * turn] = 1
    root.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {"imgs": images, "latents_classes": classes} | changes
    np.savez_compressed(root / DSPRITES_FILE, **{name: array for name, array in arrays.items() if array.size})
    return root


def truncated(draw: np.random.Generator, root: Path) -> Mutation:
    """Cut a file."""
    path = one_of(draw, root, "*")
    return Mutation(cut(draw, path), (path.name,))


def header(draw: np.random.Generator, root: Path) -> Mutation:
    """Change a bit of the header."""
    path = one_of(draw, root, "*")
    return Mutation(flip(draw, path, 0, 16 if "idx3" in path.name else 8), (path.name,))


def pixel(draw: np.random.Generator, root: Path) -> Mutation:
    """Change one pixel: the records must have the new one."""
    path = root / IMAGES
    content = bytearray(path.read_bytes())
    place = int(draw.integers(16, len(content)))
    content[place] ^= 0x40
    path.write_bytes(bytes(content))

    def expected(records: Records) -> Records:
        images = records["images"].copy()
        images.reshape(-1)[place - 16] ^= 0x40
        return {**records, "images": images}

    return Mutation(f"a pixel at byte {place}", (), expected, may_be_refused=False)


def zipped(draw: np.random.Generator, root: Path) -> Mutation:
    """Compress a file."""
    path = one_of(draw, root, "*")
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return harmless(f"{path.name} gzipped")


def damaged_zip(draw: np.random.Generator, root: Path) -> Mutation:
    """Compress a file and damage it."""
    path = one_of(draw, root, "*")
    zipped_path = path.with_name(f"{path.name}.gz")
    zipped_path.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()
    told = cut(draw, zipped_path) if draw.random() < 0.5 else flip(draw, zipped_path, 10)
    return Mutation(told, (path.name,))


def exchanged(draw: np.random.Generator, root: Path) -> Mutation:
    """Exchange two of the files."""
    paths = sorted(root.iterdir())
    one, other = draw.permutation(len(paths))[:2]
    first, second = paths[one].read_bytes(), paths[other].read_bytes()
    paths[one].write_bytes(second), paths[other].write_bytes(first)
    return Mutation(f"{paths[one].name} and {paths[other].name} exchanged", (paths[one].name, paths[other].name))


def wrong_label(draw: np.random.Generator, root: Path) -> Mutation:
    """Put a label that is no digit, or let a digit be absent."""
    path = one_of(draw, root, "*labels*")
    content = bytearray(path.read_bytes())
    if draw.random() < 0.5:
        content[int(draw.integers(8, len(content)))] = int(draw.integers(10, 256))
    else:
        content[8:] = content[8:].replace(b"\x03", b"\x04")
    path.write_bytes(bytes(content))
    return Mutation(f"labels of {path.name}", (path.name,))


def overflowing(draw: np.random.Generator, root: Path) -> Mutation:
    """Write sizes whose product is far from the length, and perhaps overflows."""
    path = root / IMAGES
    sizes = ((2**32 - 1,) * 3, (2**22, 2**21, 2**21), (2**31, 28, 28), (0, 28, 28), (200, 0, 28))[draw.integers(5)]
    content = path.read_bytes()
    rest = content[16:] if draw.random() < 0.5 else b""
    path.write_bytes(content[:4] + b"".join(size.to_bytes(4, "big") for size in sizes) + rest)
    return Mutation(f"sizes {sizes}", (path.name,))


def longer(draw: np.random.Generator, root: Path) -> Mutation:
    """Append bytes."""
    path = one_of(draw, root, "*")
    path.write_bytes(path.read_bytes() + draw.bytes(int(draw.integers(1, 900))))
    return Mutation(f"{path.name} is longer", (path.name,))


def missing(draw: np.random.Generator, root: Path) -> Mutation:
    """Remove a file, or put a folder or a link to nowhere in its place."""
    path = one_of(draw, root, "*")
    path.unlink()
    how = int(draw.integers(3))
    if how == 1:
        path.mkdir()
    elif how == 2:
        path.symlink_to(root / "nowhere")
    return Mutation(f"{path.name}, way {how}", (path.name,))


def bit_of_archive(draw: np.random.Generator, root: Path) -> Mutation:
    """Change a bit of the archive: its checksums tell, or it was in what nobody reads."""
    told = flip(draw, one_of(draw, root, "*"))
    return Mutation(told, ("dsprites",), lambda records: records)


def array_of_another_kind(draw: np.random.Generator, root: Path) -> Mutation:
    """Store other types, shapes or values, or leave an array out."""
    count = int(np.prod(SIZES))
    changes: tuple[dict[str, Any], ...] = (
        {"imgs": np.zeros((count, 32, 32), np.uint8)},
        {"imgs": np.zeros((count - 1, 64, 64), np.uint8)},
        {"imgs": np.ones((count, 64, 64), np.float32)},
        {"imgs": np.full((count, 64, 64), 7, np.uint8)},
        {"imgs": np.zeros(0)},
        {"latents_classes": np.zeros(0)},
        {"latents_classes": np.zeros((count, 5), np.int64)},
        {"latents_classes": np.full((count, 6), 9, np.int64)},
        {"latents_classes": np.full((count, 6), np.nan)},
        {"latents_classes": np.zeros(count, np.int64)},
        {"latents_classes": np.full((count, 6), "a")},
        {"latents_classes": np.zeros((count, 6), np.int64) - 1},
    )
    how = int(draw.integers(len(changes)))
    write_npz(root, **changes[how])
    return Mutation(f"arrays, way {how}", ("dsprites",))


IDX: dict[str, Callable[[np.random.Generator, Path], Mutation]] = {
    "cut": truncated,
    "header": header,
    "a pixel": pixel,
    "gzipped": zipped,
    "a damaged gzip": damaged_zip,
    "files exchanged": exchanged,
    "a wrong label": wrong_label,
    "sizes": overflowing,
    "longer": longer,
    "missing": missing,
}
NPZ: dict[str, Callable[[np.random.Generator, Path], Mutation]] = {
    "cut": truncated,
    "a bit": bit_of_archive,
    "other arrays": array_of_another_kind,
    "missing": missing,
}
