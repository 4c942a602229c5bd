"""Makes digits on canvases with masks or tags, or takes them from the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.pairs.segmentation.records import SPLITS, SegmentationRecords
from zsl_runner.data.records import Provenance, Rows, SourceFile, checked
from zsl_runner.data.sources.digit_canvas.cache import Canvases, CanvasFile, cached, read
from zsl_runner.data.sources.digit_canvas.canvas import draw_canvas
from zsl_runner.data.sources.digit_canvas.conf import CanvasOptions, DigitCanvasConf, TaggedCanvasConf
from zsl_runner.data.sources.digit_canvas.pools import digit_pools, source_files
from zsl_runner.data.tagged.records import TaggedRecords
from zsl_runner.errors import OptionError
from zsl_runner.files.folders import KeptCopy

VERSION: Final = 1
"""Of the drawing code; raised by every change that changes a pixel, so that no older cache is taken for it."""

_NOT_DRAWN: Final = ("root", "cache")
_OFF: Final = {"distinct": False, "overlap": 1.0, "dilation": 0}
"""Options that change nothing with these values: left out of what determines canvases drawn before there were any."""


@dataclass(frozen=True)
class DrawnCanvases:
    """Canvases with their masks: training ones, then validation ones, then test ones.

    Attributes:
        images: (N, 3, side, side).
        labels: (N, side, side).
        class_names: names by label.
        rows: row indices under ``train``, ``validation`` and ``test``.
        provenance: where they came from.
        origin: their file, or the name of the data set, for messages.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    class_names: tuple[str, ...]
    rows: Mapping[str, Rows]
    provenance: Provenance
    origin: str


def load(conf: DigitCanvasConf) -> SegmentationRecords:
    """Return the canvases with their masks.

    Raises:
        DataError: see `drawn_canvases`.
    """
    drawn = drawn_canvases(conf, f"exact masks of {conf.classes} classes")
    records = SegmentationRecords(
        name=conf.name,
        images=drawn.images,
        labels=drawn.labels,
        class_names=drawn.class_names,
        provenance=drawn.provenance,
        train=drawn.rows["train"],
        validation=drawn.rows["validation"],
        test=drawn.rows["test"],
    )
    return checked(records, drawn.origin)


def drawn_canvases(conf: DigitCanvasConf | TaggedCanvasConf, semantics: str) -> DrawnCanvases:
    """Return the canvases that options describe, from the cache if they are there.

    Every canvas has a generator of its own, so that fewer canvases are the first ones of more.

    Args:
        conf: what is drawn.
        semantics: what is known of the canvases, for their record.

    Raises:
        DataError: a file of digits is missing, damaged or does not fit the others; the digits do not fit on a canvas.
    """
    files = source_files(conf)
    file = _cache_file(conf, files)
    images, labels = cached(file, lambda: _draw(conf))
    sizes = [conf.train, conf.validation, conf.test]
    rows = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    fewest, most = conf.digits
    apart = (", distinct" * conf.distinct) + (f", overlap at most {conf.overlap:g}" if conf.overlap < 1 else "")
    provenance = Provenance(
        kind="generated",
        feature_kind=f"canvases of {conf.side} x {conf.side} pixels, {'RGB' if conf.colour else 'grey'}",
        semantics=semantics,
        split_version=f"own (canvases version {VERSION}, seed {conf.data_seed})",
        files=files,
        notes=(
            f"{fewest} to {most} digits{apart}, {conf.strokes} strokes, {conf.fragments} fragments, {conf.covers} "
            f"covers, noise {conf.noise:g}, contrast {conf.contrast:g} on each canvas",
            *([f"masks are {conf.dilation} pixels wider than the ink"] if conf.dilation else []),
            "no digit occurs in two splits",
        ),
    )
    return DrawnCanvases(
        images=images,
        labels=labels,
        class_names=("background", "digit") if conf.pixel_classes() == 2 else ("background", *map(str, range(10))),
        rows=dict(zip(SPLITS, rows, strict=True)),
        provenance=provenance,
        origin=conf.name if file is None else str(file.path),
    )


def kept_copy(conf: CanvasOptions) -> KeptCopy:
    """Return where finished canvases lie, and whether the next load will use them."""
    file = _cache_file(conf, source_files(conf))
    return KeptCopy(None, usable=False) if file is None else KeptCopy(file.path, usable=read(file) is not None)


def _cache_file(conf: CanvasOptions, files: Sequence[SourceFile]) -> CanvasFile | None:
    folder = conf.cache_folder()
    chosen = {entry.name: getattr(conf, entry.name) for entry in fields(CanvasOptions)}
    drawn = {key: value for key, value in chosen.items() if key not in _NOT_DRAWN and _OFF.get(key, ...) != value}
    drawn["classes"] = conf.pixel_classes()
    identity = {"version": VERSION, "options": drawn, "digits": [file.sha256 for file in files]}
    return None if folder is None else CanvasFile.of(folder, identity)


def _draw(conf: CanvasOptions) -> Canvases:
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


def load_tagged(conf: TaggedCanvasConf) -> TaggedRecords:
    """Return the canvases, one channel if they are grey, with the digits that show as tags.

    Raises:
        DataError: see `drawn_canvases`; or digits are so small that a canvas shows none.
    """
    drawn = drawn_canvases(conf, "the digits on it, exact masks for evaluation")
    tags = tags_of(drawn.labels, len(drawn.class_names))
    if bare := int((~tags.any(1)).sum()):
        raise OptionError(
            f"dataset.digit_size: expected a digit on each canvas, found none on {bare:,} of {len(tags):,}, where ink "
            "covers no pixel by more than half; draw larger digits, or on a larger dataset.side"
        )
    records = TaggedRecords(
        name=conf.name,
        images=drawn.images if conf.colour else np.ascontiguousarray(drawn.images[:, :1]),
        tags=tags,
        class_names=drawn.class_names,
        provenance=drawn.provenance,
        masks=drawn.labels,
        train=drawn.rows["train"],
        validation=drawn.rows["validation"],
        test=drawn.rows["test"],
    )
    return checked(records, drawn.origin)


def tags_of(masks: NDArray[np.uint8], classes: int) -> NDArray[np.bool_]:
    """Return (N, classes - 1) which classes but the background have a pixel in each mask (N, H, W)."""
    return np.stack([(masks == label).any(axis=(1, 2)) for label in range(1, classes)], axis=1)
