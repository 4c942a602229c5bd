"""Networks with a head for each task."""

from __future__ import annotations

import math

from zsl_runner.data.tasks.folds import TaskShape
from zsl_runner.models.task_heads.conf import TaskHeadsCNNConf, TaskHeadsConf
from zsl_runner.models.task_heads.networks import HeadsNetwork, convolutions, perceptron
from zsl_runner.models.task_model import TaskModel
from zsl_runner.streams import Streams


class TaskHeads(TaskModel):
    """A perceptron with heads.

    Args:
        conf: widths of the hidden layers.
        shape: sizes of rows, and the tasks.
        streams: unused; there is nothing random in the network.
    """

    def __init__(self, conf: TaskHeadsConf, shape: TaskShape, streams: Streams) -> None:
        body = perceptron(math.prod(shape.row), conf.hidden)
        super().__init__(HeadsNetwork(body, conf.hidden[-1], shape.order), shape.order)


class TaskHeadsCNN(TaskModel):
    """Convolutions with heads.

    Args:
        conf: channels, and the width of the hidden layer.
        shape: sizes of images, and the tasks.
        streams: unused; there is nothing random in the network.
    """

    def __init__(self, conf: TaskHeadsCNNConf, shape: TaskShape, streams: Streams) -> None:
        channels, height, width = shape.row
        body = convolutions((channels, height, width), conf.channels, conf.hidden)
        super().__init__(HeadsNetwork(body, conf.hidden, shape.order), shape.order)
