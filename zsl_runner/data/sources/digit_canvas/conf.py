"""Options of digits on canvases: what is drawn, and what is known of it, masks or tags. Never imports torch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import RequiredFile
from zsl_runner.data.pairs.segmentation.options import SegmentationConf
from zsl_runner.data.sources.mnist.files import MNISTFiles
from zsl_runner.data.tagged.options import TaggedConf
from zsl_runner.files.folders import among_data, chosen_cache_folder, expanded, unknown_home


@dataclass
class CanvasOptions:
    """What is on a canvas, and how many there are; a data set of canvases inherits it beside its own base."""

    source: str = option(
        "mnist",
        "where the digits come from: mnist = the four idx files in `root`; digits = scikit-learn's 8 x 8 digits",
        choices=("mnist", "digits"),
    )
    root: str | None = option(None, "folder of MNIST's four idx files for source=mnist; null for source=digits")
    data_seed: int = option(0, "seed of all canvases; the same for all runs of a study", low=0)
    side: int = option(32, "side of a canvas in pixels", low=16, high=512)
    train: int = option(4000, "training canvases, of training digits only", low=1)
    validation: int = option(500, "validation canvases, of digits that no training canvas shows", low=1)
    test: int = option(1000, "test canvases, of test digits only", low=1)
    digits: list[int] = option([1, 1], "fewest and most digits on a canvas", low=0, high=20)
    digit_size: list[float] = option(
        [0.5, 0.75], "smallest and largest height of a digit as a share of the side", low=0.1, high=1.0
    )
    distinct: bool = option(False, "no digit stands twice on one canvas")
    overlap: float = option(
        1.0,
        "how much of the smaller of two digits' boxes the other may cover; 1 lets digits lie anywhere",
        low=0.0,
        high=1.0,
    )
    dilation: int = option(0, "pixels by which masks are wider than the ink, on all sides", low=0, high=64)
    contrast: float = option(
        0.3, "least difference of brightness (0 to 1) between a digit and the canvas below it", low=0.0, high=0.45
    )
    strokes: int = option(2, "straight lines behind the digits", low=0, high=100)
    fragments: int = option(1, "pieces of further digits behind the digits, labelled background", low=0, high=100)
    covers: int = option(1, "rectangles in front; the mask shows the digits as if these were not there", low=0, high=20)
    cover_size: list[float] = option(
        [0.2, 0.4], "smallest and largest side of a cover as a share of the canvas's", low=0.01, high=1.0
    )
    noise: float = option(0.05, "deviation of the noise on each value between 0 and 1", low=0.0, high=1.0)
    colour: bool = option(True, "draw in colours; otherwise in grey")
    cache: str | None = option(
        "auto", "folder for finished canvases; auto = $ZSL_CACHE or the user's cache folder; null keeps none"
    )

    @abstractmethod
    def pixel_classes(self) -> int:
        """Return the number of labels: 2 for background and digit, 11 for background and the digits 0 to 9."""

    def image_side(self) -> int:
        """Return the side of a canvas."""
        return self.side

    def mnist(self) -> MNISTFiles:
        """Return where MNIST's files are, for source=mnist."""
        assert self.root is not None
        return MNISTFiles(self.root)

    def cache_folder(self) -> Path | None:
        """Return the folder of the cache, or None if none is kept."""
        return chosen_cache_folder(self.cache)

    def required_files(self) -> Iterable[RequiredFile]:
        """Yield MNIST's four files, if the digits come from there."""
        if self.source == "mnist" and self.root is not None:
            yield from self.mnist().required()

    def problems(self) -> Iterable[Problem]:
        """Yield what is wrong with the combination of options."""
        if wrong := unknown_home(self.cache):
            yield Problem("cache", wrong)
        if self.root is not None and (wrong := among_data(self.cache_folder(), expanded(self.root))):
            yield Problem("cache", wrong)
        if self.source == "mnist" and self.root is None:
            yield Problem("root", "source=mnist needs the folder of MNIST's files; or use source=digits")
        if self.source == "digits" and self.root is not None:
            yield Problem("root", "has no effect with source=digits; use root=null")
        for key in ("digits", "digit_size", "cover_size"):
            values = getattr(self, key)
            if len(values) != 2 or values[0] > values[1]:
                yield Problem(key, f"expected [smallest, largest], found {list(values)}")
        if len(self.digits) == 2 and self.digits[1] == 0:
            yield Problem("digits", "expected at least one digit on some canvas, found [0, 0]")
        if len(self.digits) == 2 and self.distinct and self.digits[1] > 10:
            yield Problem("digits", f"at most 10 digits are distinct, found {self.digits[1]}; use distinct=false")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect without covers, or without a second digit."""
        if self.covers == 0:
            yield from idle("covers=0", "cover_size")
        if self.digits[-1] == 1:
            yield from idle("one digit at most (digits)", "distinct", "overlap")


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


@dataclass
class TaggedCanvasConf(CanvasOptions, TaggedConf):
    """Digits of MNIST or scikit-learn on canvases with pieces of digits, tagged with the digits that are there."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.digit_canvas.source:load_tagged"
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
