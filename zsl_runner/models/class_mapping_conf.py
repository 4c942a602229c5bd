"""What the schema of every model with class maps says of itself. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability, Provision
from zsl_runner.files.folders import expanded


@dataclass
class CorrelationConf:
    """The correlation module, which sees the image and two layers without moving them."""

    layers: list[int] = option(
        [4, 5], "numbers of the two layers that the correlation module sees; the first is 1", low=1
    )
    channels: list[int] = option(
        [16, 32], "channels to which the correlation module reduces each of the two layers", low=1
    )
    width: int = option(48, "channels of the features that are correlated", low=1)
    centred: bool = option(
        False,
        "subtract an image's mean from its features before they are compared; false as released, where features that "
        "have much in common make all pixels alike",
        neutral=True,
    )
    power: float = option(
        1.0,
        "of the cosines by which pixels hand their maps to each other: 1 as released; larger ones let the pixels that "
        "are most alike weigh more, so that maps are blurred less",
        low=1.0,
        neutral=True,
    )
    tagged: bool = option(
        False,
        "spread only the maps of classes an image shows: of its tags in training, of those that are found where it is "
        "measured; false as released, where the maps of all others take pixels away from them",
        neutral=True,
    )

    def problems(self) -> Iterable[Problem]:
        """Yield lists that are not of two."""
        for key in ("layers", "channels"):
            if len(getattr(self, key)) != 2:
                yield Problem(key, f"expected two numbers, one for each layer, found {list(getattr(self, key))}")


@dataclass
class ClassMapperConf(ModelConf):
    """Base of the models whose classifier is a map for each class."""

    needs: ClassVar[frozenset[str]] = frozenset({Provision.TAGS})
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.CLASS_MAPS})

    weights: str | None = option(
        None,
        "what a stage begins with: the directory of an earlier run, or a file of torch.save with tensors by their "
        "names in this network, those of the backbone at least; null = random weights",
        neutral=True,
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
        side = dataset.image_side()
        if side is not None and side < self.reduction():
            yield Problem(
                "strides",
                f"divide sides by {self.reduction()}, more than the {side} pixels of the images",
            )


@dataclass
class HeadedMapperConf(ClassMapperConf):
    """Base of the models with heads for class maps and projected pixels, and a correlation module, on a few layers."""

    channels: list[int] = option([], "channels of each layer's output", low=1)
    projection: int = option(64, "channels of the projected pixels", low=1)
    correlation: CorrelationConf = section(CorrelationConf, "correlation module")

    def problems(self) -> Iterable[Problem]:
        """Yield layers that are not there."""
        if late := [number for number in self.correlation.layers if number > len(self.channels)]:
            yield Problem("correlation.layers", f"expected 1 to {len(self.channels)}, found {late}")
