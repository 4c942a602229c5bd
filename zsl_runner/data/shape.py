"""What a model is told about a data set when it is built."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataShape:
    """Sizes a model takes from a zero-shot data set.

    Attributes:
        features: width D of a feature row.
        class_vector: width A of a class vector.
        classes: number K of classes, seen and unseen.
        radius: norm of every scaled feature row, if the scaling ends in a projection onto a sphere.
    """

    features: int
    class_vector: int
    classes: int
    radius: float | None = None
