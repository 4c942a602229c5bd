"""What may be asked of a model that maps where an image shows its classes, and heads that do so on any backbone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zsl_runner.data.images.folds import ImageShape
from zsl_runner.errors import ConfigError
from zsl_runner.models.base import Model
from zsl_runner.models.class_mapping_conf import CorrelationConf, HeadedMapperConf
from zsl_runner.objectives.class_maps import SPACE, cleaned_maps, resized
from zsl_runner.objectives.pixel_correlation import affinity, refined_maps
from zsl_runner.objectives.precision import at_least_fp32
from zsl_runner.streams import Streams


class PixelMaps(NamedTuple):
    """What a model says of the pixels of a batch, on its own grid of h x w.

    Attributes:
        logits: (B, K, h, w) class activation maps, the background's first; their means are logits of the tags.
        projected: (B, P, h, w) non-negative features to be compared with prototypes.
        correlated: (B, D, h, w) features whose cosines say which pixels belong together.
        tagged: whether only maps of tagged classes are spread.
        power: of the cosines.
    """

    logits: Tensor
    projected: Tensor
    correlated: Tensor
    tagged: bool = False
    power: float = 1.0

    def refined(self, tags: Tensor, shares: Tensor | None = None) -> Tensor:
        """Return the (B, K, h, w) maps spread by the correlation module; only its features have a gradient.

        Args:
            tags: (B, K - 1) of 0 and 1 (or bool), the classes that images show as far as one may know.
            shares: what `affinity` returns, for those who have it already.
        """
        cleaned = cleaned_maps(self.logits, tags=tags if self.tagged else None)
        return refined_maps(cleaned, self.affinity() if shares is None else shares)

    def affinity(self) -> Tensor:
        """Return (B, N, N) how much each of the N = h w pixels hands to each other one, row by row."""
        return affinity(self.correlated, power=self.power)


class ClassMapper(Model):
    """Capability ``class_maps``. Parameter groups are ``backbone`` and, of all layers that are new to it, ``heads``."""

    @abstractmethod
    def maps(self, x: Tensor) -> PixelMaps:
        """Return the maps of images (B, C, H, W) of any size that is not below the stride, in single precision."""
        raise TypeError(f"{type(self).__name__} maps no classes")

    @abstractmethod
    def map_side(self, side: int) -> int:
        """Return the side of the maps of images of a side, in pixels; 0 for a side below the stride."""
        raise TypeError(f"{type(self).__name__} maps no classes")


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

    def __init__(self, conf: HeadedMapperConf, shape: ImageShape, streams: Streams) -> None:
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
