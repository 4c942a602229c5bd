"""Options of the tagged canvases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.data.sources.digit_canvas.options import CanvasOptions
from zsl_runner.data.tagged.options import TaggedConf


@dataclass
class TaggedCanvasConf(CanvasOptions, TaggedConf):
    """Digits of MNIST or scikit-learn on canvases with pieces of digits, tagged with the digits that are there."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.tagged_canvas.source:load"
    kept_copy: ClassVar[str] = "zsl_runner.data.sources.digit_canvas.source:kept_copy"
    contents: ClassVar[str] = "zsl_runner.data.sources.digit_canvas.pools:source_files"

    kind: str = option("tagged_canvas", "the implementation; fixed by the file chosen in the group")
    name: str = option("tagged_canvas", "the label in directories, tables and TensorBoard")

    def pixel_classes(self) -> int:
        """Return 11: background and digits."""
        return 11

    def problems(self) -> Iterable[Problem]:
        """Yield what is wrong with the combination of options; a canvas without a digit would have no tag."""
        yield from super().problems()
        if len(self.digits) == 2 and self.digits[0] == 0 < self.digits[1]:
            yield Problem("digits", "expected at least one digit on each canvas: each needs a tag")
