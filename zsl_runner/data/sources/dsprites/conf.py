"""Options of dSprites."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from omegaconf import MISSING

from zsl_runner.config.fields import option
from zsl_runner.config.schema import RequiredFile
from zsl_runner.config.vocabulary import Provision
from zsl_runner.data.images.options import LabelledImagesConf
from zsl_runner.data.sources.published import DSPRITES_FILE, PUBLISHED
from zsl_runner.files.folders import expanded

SIDE: Final = 64


@dataclass
class DSpritesConf(LabelledImagesConf):
    """737,280 black and white images of three shapes in all scales, orientations and places; a class is a shape."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.dsprites.source:load"
    provides: ClassVar[frozenset[str]] = LabelledImagesConf.provides | {Provision.FACTORS}
    own_side: ClassVar[int] = SIDE
    own_channels: ClassVar[int] = 1

    kind: str = option("dsprites", "the implementation; fixed by the file chosen in the group")
    root: str = option(MISSING, "folder of the file; relative to the working directory")
    limit: int | None = option(
        None,
        "use only this number of images, drawn at random; null uses all, which take 3 GB of memory at 64 x 64",
        low=10,
    )
    validation_rows: int = option(2_000, "images for validation, drawn at random", low=1)
    test_rows: int = option(20_000, "images for testing, drawn at random; the others are trained on", low=1)
    split_seed: int = option(0, "seed of the draws", low=0)

    def path(self) -> Path:
        """Return the place of the file."""
        return expanded(self.root) / DSPRITES_FILE

    def required_files(self) -> Iterable[RequiredFile]:
        """Yield the one file."""
        yield RequiredFile(str(self.path()), PUBLISHED["dsprites"].remedy())
