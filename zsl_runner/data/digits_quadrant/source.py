"""Loads scikit-learn's digits, enlarged, as images to be completed."""

from __future__ import annotations

from typing import Final

from zsl_runner.data.completion_records import CompletionRecords, completion_records
from zsl_runner.data.digits.images import enlarged_digits
from zsl_runner.data.digits.source import ORIGIN
from zsl_runner.data.digits_quadrant.conf import DigitsQuadrantConf

SIDE: Final = 28


def load(conf: DigitsQuadrantConf) -> CompletionRecords:
    """Load the data set: 1,500 images for training and validation, the last 297 for testing."""
    digits = enlarged_digits(SIDE, conf.validation_rows)
    rows = (digits.train, digits.validation, digits.test)
    return completion_records(conf, digits.images, digits.labels, rows, digits.provenance, ORIGIN)
