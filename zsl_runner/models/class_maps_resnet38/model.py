"""The wide residual network with class maps."""

from __future__ import annotations

from torch import nn

from zsl_runner.models.class_mapping_heads import HeadedMapper
from zsl_runner.models.class_maps_resnet38.conf import ClassMapsResNet38Conf
from zsl_runner.models.class_maps_resnet38.networks import ResNet38


class ClassMapsResNet38(HeadedMapper):
    """Heads and correlation module on a deep network; the module sees the outputs of two stages."""

    conf: ClassMapsResNet38Conf

    def network(self, channels: int) -> nn.Module:
        """Return the backbone for images of so many channels."""
        return ResNet38(channels, self.conf.channels)
