"""Exemplars: how they are chosen, how many are kept in memory, and that the means of their classes decide."""

import dataclasses

import pytest
import torch

from tests.task_data import Counting, task_trainer, task_training, train
from tests.trainers.continual.methods import HOLDING, told
from zsl_runner.data.sources.digits.conf import SplitDigitsConf
from zsl_runner.data.sources.mnist.conf import SplitMNISTConf
from zsl_runner.data.sources.toy.conf import ToyTasksConf
from zsl_runner.errors import ConfigError
from zsl_runner.models.task_model import TaskModel
from zsl_runner.trainers.continual.conf import ICaRLConf
from zsl_runner.trainers.continual.exemplars import herded
from zsl_runner.trainers.continual.memory import ExemplarMemory
from zsl_runner.trainers.continual.trainer import ContinualTrainer


def test_herding_follows_the_mean():
    features = torch.nn.functional.normalize(torch.randn(50, 4, generator=torch.Generator().manual_seed(0)))
    order = herded(features, 50)
    assert sorted(order.tolist()) == list(range(50))
    mean, chosen = features.mean(0), []
    for k in range(1, 6):  # by the definition, row by row
        rest = [row for row in range(50) if row not in chosen]
        total = features[chosen].sum(0)
        distances = torch.stack([(mean - (features[row] + total) / k).norm() for row in rest])
        chosen.append(rest[int(distances.argmin())])
    assert order[:5].tolist() == chosen
    random = torch.randperm(50, generator=torch.Generator().manual_seed(1))[:10]
    assert (features[order[:10]].mean(0) - mean).norm() < (features[random].mean(0) - mean).norm()


def test_herding_tells_rows_of_nearly_one_direction_apart():
    """Features of a class come near to each other: what tells them apart must not be lost beside their mean."""
    generator = torch.Generator().manual_seed(2)
    features = torch.nn.functional.normalize(1 + 0.02 * torch.randn(200, 8, generator=generator))
    away = features.double() - features.double().mean(0)
    total, expected = torch.zeros(8, dtype=torch.float64), []
    for _ in range(100):  # of rows less the mean the chosen ones' sum is to be shortest
        lengths = (total + away).norm(dim=1)
        lengths[expected] = torch.inf
        expected.append(int(lengths.argmin()))
        total = total + away[expected[-1]]
    assert herded(features, 100).tolist() == expected


def test_exemplars_are_of_their_class_and_the_first_chosen_stay():
    trainer = task_trainer(HOLDING["icarl"])
    memory, labels = trainer._exemplars.memory, trainer.data.data.labels
    train(trainer, until="task_2")
    first = memory.of(0, 0)
    assert len(first) == 15
    assert (labels[first] == 0).all()
    train_all = task_trainer(HOLDING["icarl"])
    train(train_all)
    memory = train_all._exemplars.memory
    assert len(memory.of(0, 2)) == 5
    assert torch.equal(memory.of(0, 2), memory.of(0, 0)[:5])
    total = sum(len(memory.of(label, 2)) for label in range(6))
    assert total == 30


def test_exemplars_may_be_drawn():
    drawn, again, herding = (
        task_trainer(dataclasses.replace(HOLDING["icarl"], selection=selection))
        for selection in ("random", "random", "herding")
    )
    for trainer in (drawn, again, herding):
        train(trainer, until="task_2")
    labels = drawn.data.data.labels
    for label in (0, 1):
        chosen = drawn._exemplars.memory.of(label, 0)
        assert len(set(chosen.tolist())) == 15
        assert (labels[chosen] == label).all()
        assert torch.equal(chosen, again._exemplars.memory.of(label, 0))
        assert set(chosen.tolist()) != set(herding._exemplars.memory.of(label, 0).tolist())


class Normed(Counting):
    """A batch norm of the first numbers of a row."""

    def represent(self, x):
        return self.norm(x[:, :3])


def test_the_width_of_features_is_asked_of_a_network_with_batch_norm_without_moving_its_statistics():
    context = task_trainer(HOLDING["icarl"]).context
    model = TaskModel(Normed(), context.data.order)
    ContinualTrainer(HOLDING["icarl"], dataclasses.replace(context, model=model))
    assert model.prototypes.shape == (3, 6, 3)
    assert model.main.norm.running_mean.tolist() == [0, 0, 0]
    assert model.main.norm.training


def test_class_means_decide():
    trainer = task_trainer(dataclasses.replace(HOLDING["icarl"], iterations=60, scenario="cil"))
    train(trainer)
    model, rows = trainer.model, trainer.data.data
    x = rows.rows.take(torch.arange(len(rows)))
    with torch.no_grad():
        scores = model.scores(x, range(6), 2)
        unit = torch.nn.functional.normalize(model.main.represent(x))
    expected = torch.stack([-(unit - mean).square().sum(1) for mean in model.prototypes[2]], 1)
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.prototypes[2].norm(dim=1), torch.ones(6))
    assert (scores.argmax(1) == rows.labels).float().mean() > 0.8


def test_a_task_is_trained_beside_the_exemplars_left_after_the_task_before():
    memory = ExemplarMemory(task_training(), 24, None)
    for label in range(6):
        memory.keep(label, torch.arange(100 * label, 100 * label + 24))
    assert memory.before(1).tolist() == [*range(12), *range(100, 112)]
    assert memory.before(2).tolist() == [100 * label + place for label in range(4) for place in range(6)]
    assert [memory.kept(task) for task in range(3)] == [0, 24, 24]
    uneven = ExemplarMemory(task_training(), 23, None)
    assert [uneven.kept(task) for task in range(3)] == [0, 22, 20]


def test_a_number_of_exemplars_for_each_class():
    memory = ExemplarMemory(task_training(), None, 7)
    assert [memory.share(0, task) for task in range(3)] == [7, 7, 7]
    assert memory.kept(0) == 0
    assert memory.kept(2) == 28


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory": 1000}, "trainer.memory: expected 6 .* to 240 .* found 1,000"),
        ({"memory": 5}, "trainer.memory: expected 6"),
        ({"memory": None, "memory_per_class": 41}, "memory_per_class: expected at most 40"),
    ],
)
def test_memories_that_cannot_be_filled(options, message):
    with pytest.raises(ConfigError, match=message):
        task_trainer(dataclasses.replace(HOLDING["icarl"], **options))


@pytest.mark.parametrize(
    ("dataset", "rows"),
    [
        (SplitDigitsConf(), "1,200"),
        (SplitDigitsConf(validation_rows=500), "1,000"),
        (SplitMNISTConf(train_limit=1500), "1,500"),
    ],
)
def test_memories_that_cannot_be_filled_are_found_before_data_of_known_size_are_loaded(dataset, rows):
    message = f"memory: expected 10 (one exemplar of each class) to {rows} (all training rows), found"
    assert told(ICaRLConf(), dataset) == [f"{message} 2,000"]
    assert told(ICaRLConf(memory=9), dataset) == [f"{message} 9"]
    assert told(ICaRLConf(memory=200), dataset) == []
    (found,) = told(ICaRLConf(memory=None, memory_per_class=151), dataset)
    assert found.startswith("memory_per_class: expected at most 1")
    assert told(ICaRLConf(memory=None, memory_per_class=100), dataset) == []


def test_data_whose_files_decide_are_not_judged_before():
    assert told(ICaRLConf(memory=10**6), ToyTasksConf()) == []
    assert told(ICaRLConf(), SplitMNISTConf()) == []
