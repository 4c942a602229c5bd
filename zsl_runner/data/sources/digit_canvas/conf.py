"""Options of the digit canvases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.data.pairs.segmentation.options import SegmentationConf
from zsl_runner.data.sources.digit_canvas.options import CanvasOptions


@dataclass
class DigitCanvasConf(CanvasOptions, SegmentationConf):
    """Digits of MNIST or scikit-learn on coloured canvases with strokes, pieces of digits and covers; exact masks."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.digit_canvas.source:load"
    kept_copy: ClassVar[str] = "zsl_runner.data.sources.digit_canvas.source:kept_copy"
    contents: ClassVar[str] = "zsl_runner.data.sources.digit_canvas.pools:source_files"

    kind: str = option("digit_canvas", "the implementation; fixed by the file chosen in the group")
    name: str = option("digit_canvas", "the label in directories, tables and TensorBoard")
    classes: int = option(2, "2 = background and digit; 11 = background and the digits 0 to 9", choices=(2, 11))

    def pixel_classes(self) -> int:
        """Return ``classes``."""
        return self.classes
