"""The small network with class maps."""

from __future__ import annotations

from torch import Tensor, nn

from zsl_runner.models.class_mapping import HeadedMapper
from zsl_runner.models.class_maps.conf import ClassMapsConf


def normalised_layer(inputs: int, outputs: int, stride: int, dilation: int) -> nn.Sequential:
    """Return a 3 x 3 convolution, batch norm and ReLU; sides are divided by ``stride``, rounded up."""
    layer = nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


class DilatedNetwork(nn.Module):
    """A chain of convolutions whose last ones widen their view instead of shrinking the map.

    Args:
        channels: of the images.
        conf: sizes of the layers.
    """

    def __init__(self, channels: int, conf: ClassMapsConf) -> None:
        super().__init__()
        sizes = zip([channels, *conf.channels], conf.channels, conf.strides, conf.dilations, strict=False)
        self.layers = nn.ModuleList(normalised_layer(*size) for size in sizes)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the output of every layer for images (B, C, H, W)."""
        found: list[Tensor] = []
        for layer in self.layers:
            x = layer(x)
            found.append(x)
        return found


class ClassMaps(HeadedMapper):
    """Heads and correlation module on a chain of convolutions."""

    conf: ClassMapsConf

    def network(self, channels: int) -> nn.Module:
        """Return the backbone for images of so many channels."""
        return DilatedNetwork(channels, self.conf)
