"""Options every data set of tagged images has. Never imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.schema import DatasetConf, ModelConf, TrainerConf
from zsl_runner.config.vocabulary import Provision


@dataclass
class TaggedConf(DatasetConf):
    """Base of the data sets of images with tags; the source loads `TaggedRecords`."""

    folds: ClassVar[str] = "zsl_runner.data.tagged.folds:tagged_folds"
    provides: ClassVar[frozenset[str]] = frozenset({Provision.TAGS, Provision.MASKS})

    flip: bool = option(False, "mirror every other training image, chosen at random each time it is drawn")

    def has_masks(self) -> bool:
        """Tell whether there are masks; a file that is not there, or an image without one, is found in loading."""
        return True

    def setting(self, model: ModelConf, trainer: TrainerConf) -> dict[str, str]:
        """Return whether training sees tags alone."""
        return {"kind": "fully supervised, training masks" if trainer.sees_masks() else "weakly supervised, tags"}
