"""Options every data set of images has, with or without labels. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf, TrainerConf
from zsl_runner.config.vocabulary import Provision


@dataclass
class ImagesConf(DatasetConf):
    """Base of the data sets of images; the source loads `ImageRecords`."""

    folds: ClassVar[str] = "zsl_runner.data.images.folds:image_folds"
    provides: ClassVar[frozenset[str]] = frozenset({Provision.IMAGE_ROWS})
    own_side: ClassVar[int | None] = None
    """Side of the images as they are; None if the files decide."""
    own_channels: ClassVar[int | None] = None
    """1 for grey images, 3 for coloured ones; None if it is not known."""

    side: int | None = option(
        None, "resize to squares of this side, bilinearly; null keeps the data set's own size", low=8, high=512
    )

    def image_side(self) -> int | None:
        """Return the side of the square images in pixels; None if the files decide."""
        return self.own_side if self.side is None else self.side

    def image_channels(self) -> int | None:
        """Return how many channels the images have."""
        return self.own_channels

    def setting(self, model: ModelConf, trainer: TrainerConf) -> dict[str, str]:
        """Return that no label takes part."""
        return {"kind": "unsupervised"}


@dataclass
class LabelledImagesConf(ImagesConf):
    """Base of the data sets of images that belong to classes."""

    provides: ClassVar[frozenset[str]] = frozenset(
        {Provision.IMAGE_ROWS, Provision.IMAGE_LABELS, Provision.PAIRS, Provision.NUMBERS}
    )

    labelled: int | None = option(
        None,
        "number of training images whose label training may see, as many of each class as possible; null: all. The "
        "other training images are there without label",
        low=1,
    )
    label_seed: int = option(0, "seed of the draw of labelled images; vary it with the run's seed in a study", low=0)

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect where all labels are seen."""
        yield from super().idle_options()
        if self.labelled is None:
            yield from idle("labelled=null", "label_seed")

    def problems(self) -> Iterable[Problem]:
        """Yield that ``labelled`` leaves classes out, or asks for more training images than there are."""
        yield from super().problems()
        sizes = self.known_sizes()
        if sizes is None or self.labelled is None:
            return
        classes, rows = sizes
        if not classes <= self.labelled <= rows:
            expected = f"expected {classes} (one image of each class) to {rows:,} (all training images)"
            yield Problem("labelled", f"{expected}, found {self.labelled:,}")

    def notes_on_labels(self) -> tuple[str, ...]:
        """Return a note for the record if some training images have no label."""
        if self.labelled is None:
            return ()
        return (f"{self.labelled:,} training images with a label, label seed {self.label_seed}",)

    def setting(self, model: ModelConf, trainer: TrainerConf) -> dict[str, str]:
        """Return how many labels training could see, if it used any."""
        if not model.uses_labels():
            return {"kind": "unsupervised"}
        if self.labelled is None:
            return {"kind": "supervised"}
        return {"kind": f"semi-supervised, {self.labelled:,} labels"}
