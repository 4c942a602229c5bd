r"""Cosine logits of any set of classes.

.. math:: s_k(x) = s \, \cos\big( f(x),\, g(a_k) \big)
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import normalize

from zsl_runner.data.tasks.folds import TaskShape
from zsl_runner.models.task_heads.conf import CosineHeadsConf
from zsl_runner.models.task_heads.model import activations, hidden_layers
from zsl_runner.models.task_model import TaskModel, TaskNetwork
from zsl_runner.objectives.precision import at_least_fp32
from zsl_runner.streams import Streams


class CosineNetwork(TaskNetwork):
    """Two perceptrons into one space; there are no weights of single classes.

    Args:
        features: entries of a row.
        class_vector: entries of a class vector.
        conf: widths and scale.
    """

    def __init__(self, features: int, class_vector: int, conf: CosineHeadsConf) -> None:
        super().__init__()
        self.rows = tower(features, conf.hidden, conf.width)
        self.classes = tower(class_vector, conf.hidden, conf.width)
        self.scale = conf.scale

    def represent(self, x: Tensor) -> Tensor:
        """Return the (B, F) places of rows in the common space."""
        places: Tensor = self.rows(x)
        return places

    def layers(self, x: Tensor) -> dict[str, Tensor]:
        """Return what leaves each activation, and the places in the common space."""
        found, places = activations(self.rows, x)
        return found | {"common space": places}

    def classify(self, features: Tensor, classes: range) -> Tensor:
        """Return the cosines with the places of these classes, times the scale."""
        places = self.class_features(classes)
        return self.scale * normalize(at_least_fp32(features)) @ normalize(at_least_fp32(places)).T

    def class_features(self, classes: range) -> Tensor:
        """Return the (len(classes), F) places of classes in the common space."""
        places: Tensor = self.classes(self.class_vectors[classes.start : classes.stop])
        return places

    def row_layers(self) -> list[nn.Module]:
        """Return the linear maps of rows: what a row does to those of classes is no product."""
        return [layer for layer in self.rows if isinstance(layer, nn.Linear)]


def tower(inputs: int, hidden: Sequence[int], outputs: int) -> nn.Sequential:
    """Return linear maps with ReLUs between them."""
    return nn.Sequential(*hidden_layers(inputs, hidden), nn.Linear([inputs, *hidden][-1], outputs))


class CosineHeads(TaskModel):
    """Cosine logits.

    Args:
        conf: widths and scale.
        shape: sizes of features and class vectors, and the tasks.
        streams: not drawn from; weights begin where torch's layers do, from torch's generator, which a run seeds.
    """

    def __init__(self, conf: CosineHeadsConf, shape: TaskShape, streams: Streams) -> None:
        (features,) = shape.row
        super().__init__(CosineNetwork(features, shape.class_vector, conf), shape.order)
