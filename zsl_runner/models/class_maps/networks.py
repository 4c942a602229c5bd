"""Networks of the small model with class maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zsl_runner.models.class_mapping_conf import CorrelationConf
from zsl_runner.models.class_maps.conf import ClassMapsConf
from zsl_runner.models.networks import at_least_fp32
from zsl_runner.objectives.class_maps import SPACE, resized


def pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a 1 x 1 convolution without bias, its weights from He's normal distribution by torch's generator."""
    layer = nn.Conv2d(inputs, outputs, 1, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
    return layer


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


class CorrelationFeatures(nn.Module):
    """Features by which pixels are compared, of the image and two layers; neither gets a gradient.

    Args:
        channels: of the images.
        widths: channels of the layers that are seen.
        conf: sizes.
    """

    def __init__(self, channels: int, widths: Sequence[int], conf: CorrelationConf) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(
            pointwise(inputs, outputs) for inputs, outputs in zip(widths, conf.channels, strict=True)
        )
        self.centred = conf.centred
        self.join = pointwise(channels + sum(conf.channels), conf.width)

    def forward(self, x: Tensor, layers: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Return (B, D, h, w) features for images, the layers' outputs and the size of the maps."""
        reduced = [
            resized(F.relu(reduce(layer.detach())), size) for reduce, layer in zip(self.reduce, layers, strict=True)
        ]
        features = at_least_fp32(self.join(torch.cat([resized(x, size), *reduced], 1)))
        return features - features.mean(SPACE, keepdim=True) if self.centred else features
