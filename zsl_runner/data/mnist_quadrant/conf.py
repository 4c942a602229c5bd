"""Options of MNIST's quadrants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.data.mnist.split_conf import OfficialSplitConf
from zsl_runner.data.quadrants import QuadrantConf


@dataclass
class MNISTQuadrantConf(OfficialSplitConf, QuadrantConf):
    """Some quadrants of a digit given the others; official test file, validation rows from the training file."""

    implementation: ClassVar[str] = "zsl_runner.data.mnist_quadrant.source:load"

    kind: str = option("mnist_quadrant", "the implementation; fixed by the file chosen in the group")
