"""Task models without training, whose predictions are written down, and rows for them."""

import torch
from torch import Tensor, nn

from zsl_runner.data.rows import RowView
from zsl_runner.data.stages import Fold
from zsl_runner.data.tasks.folds import TaskEvaluation, TaskRows, TaskShape, TaskTraining, UnseenRows
from zsl_runner.models.task_model import TaskModel, TaskNetwork

BLIND = -10.0


class Shifted(TaskNetwork):
    """Logits are the row plus a bias of each class, 0 at first."""

    def __init__(self, classes):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(classes))

    def represent(self, x):
        return x

    def layers(self, x):
        return {"first": x * 2, "features": x + self.shift}

    def classify(self, features, classes):
        return (features + self.shift)[:, classes.start : classes.stop]


class Written(RowView[Tensor]):
    """Rows of a matrix."""

    def __init__(self, matrix, rows):
        super().__init__(rows)
        self.matrix = matrix

    def take(self, positions):
        return self.matrix[self._rows[positions]]

    def part(self, positions):
        return Written(self.matrix, self._rows[positions])


def rows_of(classes, *pairs):
    """Return rows (true class, likeliest class); the classes that follow it are the next likeliest."""
    x = torch.stack([-0.01 * ((torch.arange(classes) - likeliest) % classes) for _, likeliest in pairs])
    labels = torch.tensor([label for label, _ in pairs])
    return TaskRows(Written(x, torch.arange(len(pairs))), labels)


def model_of(order, classes=None):
    """Return a model with a logit for each class."""
    return TaskModel(Shifted(classes or order.classes), order)


def fold_of(order, data, setting=None, unseen=None):
    """Return a fold with these rows; ``unseen`` is their rows and their order."""
    classes = order.classes + (unseen[1].classes if unseen else 0)
    evaluation = TaskEvaluation(
        name="test",
        data=data,
        order=order,
        class_names=tuple(f"class {label}" for label in range(classes)),
        class_vectors=None if setting is None else torch.eye(classes),
        setting=setting,
        unseen=None if unseen is None else UnseenRows(*unseen),
    )
    return Fold(TaskTraining(data, TaskShape((classes,), order)), evaluation)


def blind(network, *classes):
    """Make a network blind to these classes, and to no others."""
    with torch.no_grad():
        network.shift.zero_()
        network.shift[list(classes)] = BLIND
