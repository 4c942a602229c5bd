"""Class maps, projected pixels and a correlation module on the layers of any backbone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zsl_runner.data.tagged.folds import TaggedShape
from zsl_runner.errors import ConfigError
from zsl_runner.models.class_mapping import ClassMapper, PixelMaps
from zsl_runner.models.class_mapping_conf import CorrelationConf, HeadedMapperConf
from zsl_runner.models.networks import at_least_fp32
from zsl_runner.objectives.class_maps import SPACE, resized
from zsl_runner.streams import Streams


def pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a 1 x 1 convolution without bias, its weights from He's normal distribution by torch's generator."""
    layer = nn.Conv2d(inputs, outputs, 1, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
    return layer


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


class HeadedMapper(ClassMapper):
    """Linear maps of the last layer's features: one for each class, and the projection of pixels.

    Args:
        conf: sizes of the layers.
        shape: sizes of the images, number of classes.
        streams: the model's generators; ``init`` for the weights.

    Raises:
        ConfigError: images are smaller than the network's stride.
    """

    def __init__(self, conf: HeadedMapperConf, shape: TaggedShape, streams: Streams) -> None:
        super().__init__()
        if min(shape.height, shape.width) < conf.reduction():
            raise ConfigError(
                f"the model divides sides by {conf.reduction()}, more than images of {shape.width} x {shape.height} "
                "pixels allow; use larger ones or another model"
            )
        self.conf = conf
        seen = [conf.channels[number - 1] for number in conf.correlation.layers]
        with streams.initialising():
            self.backbone = self.network(shape.channels)
            self.classes = pointwise(conf.channels[-1], shape.classes)
            self.projection = pointwise(conf.channels[-1], conf.projection)
            self.correlation = CorrelationFeatures(shape.channels, seen, conf.correlation)

    @abstractmethod
    def network(self, channels: int) -> nn.Module:
        """Return the backbone, which gives the outputs of its layers, for images of so many channels."""
        raise TypeError(f"{type(self).__name__} has no backbone")

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Return ``backbone`` and ``heads``, the latter with the correlation module."""
        heads = (self.classes, self.projection, self.correlation)
        return {
            "backbone": list(self.backbone.parameters()),
            "heads": [parameter for part in heads for parameter in part.parameters()],
        }

    def map_side(self, side: int) -> int:
        """Return the side of the maps; see `ClassMapper.map_side`."""
        return self.conf.map_side(side)

    def maps(self, x: Tensor) -> PixelMaps:
        """Return class activation maps, projected pixels and features to correlate; see `ClassMapper.maps`."""
        layers = self.backbone(x)
        last = layers[-1]
        seen = [layers[number - 1] for number in self.conf.correlation.layers]
        size = (last.shape[-2], last.shape[-1])
        return PixelMaps(
            logits=at_least_fp32(self.classes(last)),
            projected=at_least_fp32(F.relu(self.projection(last))),
            correlated=self.correlation(x, seen, size),
            tagged=self.conf.correlation.tagged,
            power=self.conf.correlation.power,
        )
