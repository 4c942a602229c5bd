"""Options of the small network with class maps."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Problem
from zsl_runner.models.class_mapping_conf import ClassMapperConf


@dataclass
class CorrelationConf:
    """The correlation module, which sees the image and two layers without moving them."""

    layers: list[int] = option([4, 5], "numbers of the two layers it sees, the first is 1", low=1)
    channels: list[int] = option([16, 32], "channels to which it reduces each of them", low=1)
    width: int = option(48, "channels of the features that are correlated", low=1)
    centred: bool = option(
        False,
        "subtract an image's mean from its features before they are compared; false as released, where features that "
        "have much in common make all pixels alike",
    )
    power: float = option(
        1.0,
        "of the cosines by which pixels hand their maps to each other: 1 as released; larger ones let the pixels that "
        "are most alike weigh more, so that maps are blurred less",
        low=1.0,
    )
    tagged: bool = option(
        False,
        "spread only the maps of classes an image shows: of its tags in training, of those that are found where it is "
        "measured; false as released, where the maps of all others take pixels away from them",
    )

    def problems(self) -> Iterable[Problem]:
        """Yield lists that are not of two."""
        for key in ("layers", "channels"):
            if len(getattr(self, key)) != 2:
                yield Problem(key, f"expected two numbers, one for each layer, found {list(getattr(self, key))}")


@dataclass
class ClassMapsConf(ClassMapperConf):
    """3 x 3 convolutions with batch norm; heads for class maps and projected pixels; a correlation module."""

    implementation: ClassVar[str] = "zsl_runner.models.class_maps.model:ClassMaps"

    kind: str = option("class_maps", "the implementation; fixed by the file chosen in the group")
    name: str = option("class_maps", "the label in directories, tables and TensorBoard")
    channels: list[int] = option([24, 32, 64, 64, 128, 128], "channels of each convolution's output", low=1)
    strides: list[int] = option([1, 2, 1, 2, 1, 1], "step of each convolution", choices=(1, 2))
    dilations: list[int] = option([1, 1, 1, 1, 1, 2], "spread of each convolution's kernel", low=1, high=16)
    projection: int = option(64, "channels of the projected pixels", low=1)
    correlation: CorrelationConf = section(CorrelationConf, "correlation module")

    def reduction(self) -> int:
        """Return the product of the strides."""
        return math.prod(self.strides)

    def problems(self) -> Iterable[Problem]:
        """Yield lists of different lengths, and layers that are not there."""
        for key in ("strides", "dilations"):
            if len(getattr(self, key)) != len(self.channels):
                found = len(getattr(self, key))
                yield Problem(key, f"expected {len(self.channels)}, one for each of channels, found {found}")
        if not self.channels:
            yield Problem("channels", "expected at least one convolution")
        elif late := [number for number in self.correlation.layers if number > len(self.channels)]:
            yield Problem("correlation.layers", f"expected 1 to {len(self.channels)}, found {late}")
