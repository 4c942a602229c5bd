"""Networks with a head for each task."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zsl_runner.data.tasks.folds import TaskShape
from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.models.task_heads.conf import TaskHeadsCNNConf, TaskHeadsConf
from zsl_runner.models.task_model import TaskModel, TaskNetwork
from zsl_runner.streams import Streams


class HeadsNetwork(TaskNetwork):
    """A body, and heads that know the classes of one task each.

    Args:
        body: from rows to (B, F) features; its last layer ends in an activation.
        features: F.
        order: the tasks and their classes.
    """

    def __init__(self, body: nn.Sequential, features: int, order: TaskOrder) -> None:
        super().__init__()
        self.body = body
        self.heads = nn.ModuleList(nn.Linear(features, size) for size in order.sizes)
        self._spans = [order.of(task) for task in range(order.tasks)]

    def represent(self, x: Tensor) -> Tensor:
        """Return the (B, F) features of rows."""
        features: Tensor = self.body(x)
        return features

    def layers(self, x: Tensor) -> dict[str, Tensor]:
        """Return what leaves each activation, flat."""
        return activations(self.body, x)[0]

    def is_shared(self, name: str) -> bool:
        """Return that it is none of a head."""
        return not name.startswith("heads.")

    def classify(self, features: Tensor, classes: range) -> Tensor:
        """Return the logits of the heads of these classes side by side."""
        heads = [
            head
            for head, span in zip(self.heads, self._spans, strict=True)
            if classes.start <= span.start and span.stop <= classes.stop
        ]
        logits = [head(features) for head in heads]
        return logits[0] if len(logits) == 1 else torch.cat(logits, 1)


def activations(layers: nn.Sequential, x: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """Return what leaves each ReLU, flat, by its name, and what leaves the last layer.

    Args:
        layers: applied one after the other.
        x: (B, ...) what the first one reads.
    """
    found: dict[str, Tensor] = {}
    for layer in layers:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            found[f"layer {len(found) + 1}"] = x.flatten(1)
    return found, x


def hidden_layers(inputs: int, hidden: Sequence[int]) -> list[nn.Module]:
    """Return linear maps, each with a ReLU."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise([inputs, *hidden]):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return layers


def convolutions(row: tuple[int, int, int], channels: Sequence[int], hidden: int) -> nn.Sequential:
    """Return convolutions that halve the side, each with a ReLU, and a hidden layer.

    Args:
        row: channels, height and width of an image.
        channels: of the convolutions.
        hidden: width of the hidden layer.
    """
    layers: list[nn.Module] = []
    inputs, height, width = row
    for before, after in itertools.pairwise([inputs, *channels]):
        layers += [nn.Conv2d(before, after, kernel_size=3, stride=2, padding=1), nn.ReLU()]
        height, width = (height + 1) // 2, (width + 1) // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * height * width, hidden), nn.ReLU())


class TaskHeads(TaskModel):
    """A perceptron with heads.

    Args:
        conf: widths of the hidden layers.
        shape: sizes of rows, and the tasks.
        streams: not drawn from; weights begin where torch's layers do, from torch's generator, which a run seeds.
    """

    def __init__(self, conf: TaskHeadsConf, shape: TaskShape, streams: Streams) -> None:
        body = nn.Sequential(nn.Flatten(), *hidden_layers(math.prod(shape.row), conf.hidden))
        super().__init__(HeadsNetwork(body, conf.hidden[-1], shape.order), shape.order)


class TaskHeadsCNN(TaskModel):
    """Convolutions with heads.

    Args:
        conf: channels, and the width of the hidden layer.
        shape: sizes of images, and the tasks.
        streams: not drawn from; weights begin where torch's layers do, from torch's generator, which a run seeds.
    """

    def __init__(self, conf: TaskHeadsCNNConf, shape: TaskShape, streams: Streams) -> None:
        channels, height, width = shape.row
        body = convolutions((channels, height, width), conf.channels, conf.hidden)
        super().__init__(HeadsNetwork(body, conf.hidden, shape.order), shape.order)
