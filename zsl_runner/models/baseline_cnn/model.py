"""A deterministic segmentation network as a model."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from zsl_runner.data.pairs.folds import PairShape
from zsl_runner.models.baseline_cnn.conf import BaselineCNNConf
from zsl_runner.models.output_prediction import Condition, LabelPredictor
from zsl_runner.models.segmentation_networks import LabelCNN, label_classes
from zsl_runner.streams import Streams


class BaselineCNN(LabelPredictor):
    """p(y | x), pixels independent.

    Args:
        conf: the model's options.
        shape: sizes of images and label maps.
        streams: the model's generators; ``init`` for the weights.
    """

    def __init__(self, conf: BaselineCNNConf, shape: PairShape, streams: Streams) -> None:
        super().__init__()
        classes = label_classes(shape, conf.cnn.contracting.reduction())
        with streams.initialising():
            self.cnn = LabelCNN(shape.x[0], classes, conf.cnn, conf.multi_scale)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Return ``generation``: the whole network."""
        return {"generation": list(self.parameters())}

    def condition(self, x: Tensor) -> Condition:
        """Return the network's logits, at all its scales."""
        return Condition(x, *self.cnn(x))

    def predict(self, condition: Condition) -> Tensor:
        """Return the logits at full scale."""
        assert condition.guess is not None
        return condition.guess
