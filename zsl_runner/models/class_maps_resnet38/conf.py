"""Options of the wide residual network with class maps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.models.class_mapping_conf import HeadedMapperConf

STAGES = 7


@dataclass
class ClassMapsResNet38Conf(HeadedMapperConf):
    """ResNet-38 (Wu, Shen and van den Hengel, 2016) as in SEAM, without dropout; its first stage is a convolution."""

    implementation: ClassVar[str] = "zsl_runner.models.class_maps_resnet38.model:ClassMapsResNet38"

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
        if len(self.channels) != STAGES:
            yield Problem("channels", f"expected {STAGES} numbers, found {list(self.channels)}")
        yield from super().problems()
