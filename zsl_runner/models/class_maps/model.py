"""The small network with class maps."""

from __future__ import annotations

from torch import nn

from zsl_runner.models.class_mapping_heads import HeadedMapper
from zsl_runner.models.class_maps.conf import ClassMapsConf
from zsl_runner.models.class_maps.networks import DilatedNetwork


class ClassMaps(HeadedMapper):
    """Heads and correlation module on a chain of convolutions."""

    conf: ClassMapsConf

    def network(self, channels: int) -> nn.Module:
        """Return the backbone for images of so many channels."""
        return DilatedNetwork(channels, self.conf)
