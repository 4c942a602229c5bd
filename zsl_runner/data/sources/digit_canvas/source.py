"""Makes the digit canvases, or takes them from the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import numpy as np

from zsl_runner.data.records import Provenance, SourceFile, checked
from zsl_runner.data.segmentation.records import SPLITS, SegmentationRecords
from zsl_runner.data.sources.digit_canvas.cache import Canvases, CanvasFile, cached, read
from zsl_runner.data.sources.digit_canvas.canvas import draw_canvas
from zsl_runner.data.sources.digit_canvas.conf import DigitCanvasConf
from zsl_runner.data.sources.digit_canvas.pools import digit_pools, source_files
from zsl_runner.files.folders import KeptCopy

VERSION: Final = 1
"""Of the drawing code; raised by every change that changes a pixel, so that no older cache is taken for it."""

_NOT_DRAWN: Final = ("kind", "name", "root", "flip", "cache")


def load(conf: DigitCanvasConf) -> SegmentationRecords:
    """Return the canvases: training ones, then validation ones, then test ones.

    Every canvas has a generator of its own, so that fewer canvases are the first ones of more.

    Raises:
        DataError: a file of digits is missing, damaged or does not fit the others.
    """
    files = source_files(conf)
    file = _cache_file(conf, files)
    images, labels = cached(file, lambda: _draw(conf))
    sizes = [conf.train, conf.validation, conf.test]
    train, validation, test = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    names = ("background", "digit") if conf.classes == 2 else ("background", *map(str, range(10)))
    fewest, most = conf.digits
    records = SegmentationRecords(
        name=conf.name,
        images=images,
        labels=labels,
        class_names=names,
        train=train,
        validation=validation,
        test=test,
        provenance=Provenance(
            kind="generated",
            feature_kind=f"canvases of {conf.side} x {conf.side} pixels, {'RGB' if conf.colour else 'grey'}",
            semantics=f"exact masks of {conf.classes} classes",
            split_version=f"own (canvases version {VERSION}, seed {conf.data_seed})",
            files=files,
            notes=(
                f"{fewest} to {most} digits, {conf.strokes} strokes, {conf.fragments} fragments, {conf.covers} covers, "
                f"noise {conf.noise:g}, contrast {conf.contrast:g} on each canvas",
                "no digit occurs in two splits",
            ),
        ),
    )
    return checked(records, conf.name if file is None else str(file.path))


def kept_copy(conf: DigitCanvasConf) -> KeptCopy:
    """Return where finished canvases lie, and whether the next load will use them."""
    file = _cache_file(conf, source_files(conf))
    return KeptCopy(None, usable=False) if file is None else KeptCopy(file.path, usable=read(file) is not None)


def _cache_file(conf: DigitCanvasConf, files: Sequence[SourceFile]) -> CanvasFile | None:
    folder = conf.cache_folder()
    drawn = {key: value for key, value in asdict(conf).items() if key not in _NOT_DRAWN}
    identity = {"version": VERSION, "options": drawn, "digits": [file.sha256 for file in files]}
    return None if folder is None else CanvasFile.of(folder, identity)


def _draw(conf: DigitCanvasConf) -> Canvases:
    pools = digit_pools(conf)
    sizes = {"train": conf.train, "validation": conf.validation, "test": conf.test}
    images = np.empty((sum(sizes.values()), 3, conf.side, conf.side), dtype=np.uint8)
    labels = np.empty((len(images), conf.side, conf.side), dtype=np.uint8)
    position = 0
    for number, split in enumerate(SPLITS):
        for row in range(sizes[split]):
            random = np.random.default_rng([conf.data_seed, number, row])
            images[position], labels[position] = draw_canvas(pools[split], conf, random)
            position += 1
    return images, labels
