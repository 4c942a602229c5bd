"""Makes the tagged canvases, or takes them from the cache of the digit canvases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.records import checked
from zsl_runner.data.sources.digit_canvas.source import drawn_canvases
from zsl_runner.data.sources.tagged_canvas.conf import TaggedCanvasConf
from zsl_runner.data.tagged.records import TaggedRecords


def load(conf: TaggedCanvasConf) -> TaggedRecords:
    """Return the canvases, one channel if they are grey, with the digits that show as tags.

    Raises:
        DataError: see `drawn_canvases`.
    """
    drawn = drawn_canvases(conf, conf.name, "the digits on it, exact masks for evaluation")
    records = TaggedRecords(
        name=conf.name,
        images=drawn.images if conf.colour else np.ascontiguousarray(drawn.images[:, :1]),
        tags=tags_of(drawn.labels, len(drawn.class_names)),
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
