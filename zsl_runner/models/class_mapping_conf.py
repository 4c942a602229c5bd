"""What the schema of every model with class maps says of itself. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability, Provision
from zsl_runner.data.tagged.options import TaggedConf
from zsl_runner.files.folders import expanded


@dataclass
class ClassMapperConf(ModelConf):
    """Base of the models whose classifier is a map for each class."""

    needs: ClassVar[frozenset[str]] = frozenset({Provision.TAGS})
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.CLASS_MAPS})

    weights: str | None = option(
        None,
        "what a stage begins with: the directory of an earlier run, or a file of torch.save with tensors by their "
        "names in this network, those of the backbone at least; null = random weights",
    )

    def initial_weights(self) -> str | None:
        """Return the file or run that `weights` names."""
        return None if self.weights is None else str(expanded(self.weights))

    def reduction(self) -> int:
        """Return by which factor sides shrink from images to maps."""
        raise TypeError(f"{type(self).__name__} does not say its stride")

    def map_side(self, side: int) -> int:
        """Return the side of the maps of images of a side, in pixels: rounded up, and 0 below the stride."""
        return -(-side // self.reduction()) if side >= self.reduction() else 0

    def fits(self, dataset: DatasetConf) -> Iterable[Problem]:
        """Yield images that are smaller than what one pixel of the maps stands for, and weights that are not there."""
        weights = self.initial_weights()
        if weights is not None and not Path(weights).exists():
            yield Problem(
                "weights", f"expected a file of weights or the directory of a run, found nothing at {weights}"
            )
        side = dataset.image_side() if isinstance(dataset, TaggedConf) else None
        if side is not None and side < self.reduction():
            yield Problem(
                "strides",
                f"divide sides by {self.reduction()}, more than the {side} pixels of the images",
            )
