"""The grammar of tags, the same in TensorBoard and in ``metrics.csv``."""

from __future__ import annotations

STAGE_PREFIXES = {"tune": "tune", "final": "train", "fit": "train"}
METRIC_PREFIXES = ("val/", "test/", "oracle/", "time/")


def tag_of(name: str, stage: str, phase: str) -> str:
    """Return the tag of a value.

    A metric (``val/H``, ``test/T1``, ``oracle/...``, ``time/...``) is its own tag. Anything else is a term of the
    loss and gets ``train/<phase>/`` in the final and the fit stage, ``tune/<phase>/`` in the tune stage.

    >>> tag_of("kl", "final", "pretrain"), tag_of("kl", "tune", "pretrain"), tag_of("val/H", "tune", "pretrain")
    ('train/pretrain/kl', 'tune/pretrain/kl', 'val/H')
    """
    return name if name.startswith(METRIC_PREFIXES) else f"{STAGE_PREFIXES.get(stage, stage)}/{phase}/{name}"
