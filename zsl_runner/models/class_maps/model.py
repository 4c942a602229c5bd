"""The small network with class maps."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from zsl_runner.data.tagged.folds import TaggedShape
from zsl_runner.errors import ConfigError
from zsl_runner.models.class_mapping import ClassMapper, PixelMaps
from zsl_runner.models.class_mapping_conf import HeadedMapperConf
from zsl_runner.models.class_maps.conf import ClassMapsConf
from zsl_runner.models.class_maps.networks import CorrelationFeatures, DilatedNetwork, pointwise
from zsl_runner.models.networks import at_least_fp32
from zsl_runner.streams import Streams


class ClassMaps(ClassMapper):
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

    def network(self, channels: int) -> nn.Module:
        """Return the backbone, which gives the outputs of its layers, for images of so many channels."""
        assert isinstance(self.conf, ClassMapsConf)
        return DilatedNetwork(channels, self.conf)

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
