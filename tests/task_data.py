"""Small tasks in memory, and trainers on them."""

import dataclasses

import torch
from torch import nn

from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.sections import RuntimeConf
from zsl_runner.data.rows import RowView
from zsl_runner.data.tasks.folds import TaskEvaluation, TaskFold, TaskRows, TaskShape, TaskTraining, UnseenRows
from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.models.task_heads.conf import CosineHeadsConf, TaskHeadsConf
from zsl_runner.models.task_heads.cosine import CosineHeads
from zsl_runner.models.task_heads.model import TaskHeads
from zsl_runner.models.task_model import TaskNetwork
from zsl_runner.streams import Streams
from zsl_runner.trainers.continual.trainer import ContinualTrainer
from zsl_runner.training.base import TrainingContext
from zsl_runner.training.optimisers import Optimisers
from zsl_runner.training.runtime import Runtime

WIDTH = 12
OPTIM = OptimizerConf(lr=5e-3)


class HeldRows(RowView):
    """Rows of a matrix."""

    def __init__(self, values, rows):
        super().__init__(rows)
        self._values = values

    def take(self, positions):
        return self._values[self._rows[positions]]

    def part(self, positions):
        return HeldRows(self._values, self._rows[positions])


def task_training(sizes=(2, 2, 2), vectors=False):
    """Return Gaussian classes, 40 rows of each, in tasks of these sizes."""
    generator = torch.Generator().manual_seed(0)
    order = TaskOrder(tuple(sizes))
    centres = torch.randn(order.classes, WIDTH, generator=generator)
    labels = torch.arange(order.classes).repeat_interleave(40)
    values = centres[labels] + 0.7 * torch.randn(len(labels), WIDTH, generator=generator)
    shuffled = torch.randperm(len(labels), generator=generator)
    data = TaskRows(HeldRows(values, shuffled), labels[shuffled])
    class_vectors = centres[:, :5] if vectors else None
    return TaskTraining(data, TaskShape((WIDTH,), order, 5 if vectors else 0), class_vectors)


def task_fold(data, counts, setting=None, later=None):
    """Return these training rows with others to evaluate, ``counts[k]`` of class k.

    Args:
        data: from `task_training`.
        counts: rows of each class; those beyond the trained classes are of classes without training rows.
        setting: ``dynamic`` or ``static`` of zero-shot tasks.
        later: how many classes without training rows come in each task.
    """
    generator = torch.Generator().manual_seed(1)
    order = data.order
    means = torch.stack(
        [data.data.rows.take(data.data.positions_of(range(k, k + 1))).mean(0) for k in range(order.classes)]
    )
    centres = torch.cat([means, torch.randn(len(counts) - len(means), WIDTH, generator=generator)])
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    values = centres[labels] + 1.2 * torch.randn(len(labels), WIDTH, generator=generator)

    def part(chosen):
        positions = chosen.nonzero().flatten()
        return TaskRows(HeldRows(values, positions), labels[positions])

    vectors = data.class_vectors
    if vectors is not None:
        vectors = torch.cat([vectors, centres[len(vectors) :, : vectors.shape[1]]])
    unseen = None if later is None else UnseenRows(part(labels >= order.classes), TaskOrder(tuple(later)))
    names = tuple(f"class {k}" for k in range(len(counts)))
    evaluation = TaskEvaluation("test", part(labels < order.classes), order, names, vectors, setting, unseen)
    return TaskFold(dataclasses.replace(data, class_vectors=vectors), evaluation)


class Counting(TaskNetwork):
    """A network with a batch norm before its logits."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.head = nn.Linear(3, 4)

    def represent(self, x):
        return self.norm(x)

    def layers(self, x):
        return {"features": self.represent(x)}

    def classify(self, features, classes):
        return self.head(features)[:, classes.start : classes.stop]


def task_trainer(conf, data=None, seed=0):
    """Return a trainer on tasks, with a small perceptron, or cosines where classes have vectors."""
    data = task_training() if data is None else data
    streams = Streams(seed)
    with streams.initialising():
        if data.class_vectors is None:
            network = TaskHeads(TaskHeadsConf(hidden=[16, 16]), data.shape, streams)
        else:
            network = CosineHeads(CosineHeadsConf(hidden=[16], width=8), data.shape, streams)
    groups, settings = network.parameter_groups(), conf.optimisers()
    optimisers = Optimisers({name: groups[name] for name in settings}, settings)
    context = TrainingContext(network, data, optimisers, Runtime(RuntimeConf()), streams)
    return ContinualTrainer(conf, context)


def train(trainer, until=None):
    """Go through the phases, up to the beginning of one if it is named; return the terms of the steps by phase."""
    found = {}
    for phase in trainer.phases():
        if phase.name == until:
            break
        if phase.begin is not None:
            phase.begin()
        found[phase.name] = [{name: float(v) for name, v in phase.step().terms.items()} for _ in range(phase.steps)]
        if phase.end is not None:
            phase.end()
    return found


def task_accuracy(network, data, task):
    """Return the share of training rows of a task that its own head decides rightly."""
    positions, classes = data.data.positions_of(data.order.of(task)), data.order.of(task)
    with torch.no_grad():
        decided = network(data.data.rows.take(positions), classes).argmax(1) + classes.start
    return float((decided == data.data.labels[positions]).float().mean())
