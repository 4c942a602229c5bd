"""Options of the two networks with class maps."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.models.class_mapping_conf import HeadedMapperConf

RESNET_STAGES = 7


@dataclass
class ClassMapsConf(HeadedMapperConf):
    """3 x 3 convolutions with batch norm; heads for class maps and projected pixels; a correlation module."""

    implementation: ClassVar[str] = "zsl_runner.models.class_maps.model:ClassMaps"

    kind: str = option("class_maps", "the implementation; fixed by the file chosen in the group")
    name: str = option("class_maps", "the label in directories, tables and TensorBoard")
    channels: list[int] = option([24, 32, 64, 64, 128, 128], "channels of each convolution's output", low=1)
    strides: list[int] = option([1, 2, 1, 2, 1, 1], "step of each convolution", choices=(1, 2))
    dilations: list[int] = option([1, 1, 1, 1, 1, 2], "spread of each convolution's kernel", low=1, high=16)

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
        else:
            yield from super().problems()


@dataclass
class ClassMapsResNet38Conf(HeadedMapperConf):
    """ResNet-38 (Wu, Shen and van den Hengel, 2016) as in SEAM, without dropout; its first stage is a convolution."""

    implementation: ClassVar[str] = "zsl_runner.models.class_maps.resnet38:ClassMapsResNet38"

    kind: str = option("class_maps_resnet38", "the implementation; fixed by the file chosen in the group")
    name: str = option("class_maps_resnet38", "the label in directories, tables and TensorBoard")
    channels: list[int] = option(
        [64, 128, 256, 512, 1024, 2048, 4096],
        "channels of the first convolution's output and of each stage's; smaller ones for random weights",
        low=4,
    )
    projection: int = option(128, "channels of the projected pixels", low=1)

    def reduction(self) -> int:
        """Return 8: the second, third and fourth stage halve the sides."""
        return 8

    def problems(self) -> Iterable[Problem]:
        """Yield channels of another number of stages, and stages that are not there."""
        if len(self.channels) != RESNET_STAGES:
            yield Problem("channels", f"expected {RESNET_STAGES} numbers, found {list(self.channels)}")
        yield from super().problems()
