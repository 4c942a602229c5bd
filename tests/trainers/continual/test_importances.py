"""Importances of weights: over which rows, outputs and tasks they are measured, and where there are none."""

import dataclasses

import pytest
import torch

from tests.task_data import OPTIM, task_trainer, task_training, train
from tests.trainers.continual.methods import HOLDING, with_auxiliary
from zsl_runner.data.tasks.folds import TaskRows
from zsl_runner.trainers.continual.conf import MASConf
from zsl_runner.trainers.continual.options import AuxiliaryConf
from zsl_runner.trainers.continual.regularisers import WeightPull


def test_importances_are_means_over_the_rows_of_the_task():
    """In blocks of 16 rows; a sum would pull the harder the more rows a task has."""
    trainer = task_trainer(HOLDING["mas"])
    train(trainer, until="task_2")
    rows = trainer.data.data.positions_of(trainer.order.of(0))
    x, labels = trainer.data.data.rows.take(rows), trainer.data.data.labels[rows]
    assert len(rows) > 16
    sums = WeightPull(HOLDING["mas"], trainer.order).learn(
        trainer.model.old, x, labels, trainer.order.of(0), torch.Generator()
    )
    for found, summed in zip(trainer._importance.old, sums, strict=True):
        torch.testing.assert_close(found, summed / len(rows), rtol=1e-4, atol=1e-7)


def test_some_rows_are_enough_for_importances():
    trainer = task_trainer(dataclasses.replace(HOLDING["mas"], importance_rows=20))
    lengths = {phase.name: phase.steps for phase in trainer.phases()}
    assert lengths["task_1.importance"] == 2
    train(trainer, until="task_2")
    assert len(trainer._importance._pool) == 20


def test_batches_of_importances_are_of_mixed_classes_also_with_all_rows():
    """Batched, gradients of one class would add up where those of several cancel out, and data can be sorted."""
    whole = task_training(sizes=(3, 3))
    by_class = torch.argsort(whole.data.labels, stable=True)
    rows = TaskRows(whole.data.rows.part(by_class), whole.data.labels[by_class])
    sums = []
    for count in (None, 119):  # of the 120 rows of a task
        conf = dataclasses.replace(HOLDING["ewc"], estimator="batched", importance_rows=count)
        trainer = task_trainer(conf, dataclasses.replace(whole, data=rows))
        train(trainer, until="task_2")
        sums.append(float(sum(importance.sum() for importance in trainer._importance.old)))
    assert 1 / 1.5 < sums[0] / sums[1] < 1.5


def test_the_squared_norm_of_outputs_weighs_rows_by_twice_the_norm():
    trainer = task_trainer(HOLDING["mas"])
    train(trainer, until="task_2")
    network, x = trainer.model.old, trainer.data.data.rows.take(torch.arange(1))
    labels, drawn = torch.zeros(1, dtype=torch.int64), torch.Generator()
    plain, squared = (
        WeightPull(MASConf(squared=choice), trainer.order).learn(network, x, labels, range(2), drawn)
        for choice in (False, True)
    )
    size = float(network(x, range(2)).norm())
    assert sum(float(value.sum()) for value in plain) > 0
    for one, other in zip(plain, squared, strict=True):
        torch.testing.assert_close(other, 2 * size * one)


@pytest.mark.parametrize("outputs", ["scenario", "all"])
def test_importances_are_measured_by_the_outputs_that_are_meant(outputs):
    newest = {"accumulate": "online", "decay": 0.0, "outputs": outputs}
    trainer = task_trainer(dataclasses.replace(HOLDING["ewc"], **newest))
    train(trainer, until="task_3")
    names_of = [name for name, _ in trainer.model.main.named_parameters()]
    sums = dict(zip(names_of, trainer._importance.old, strict=True))
    counts = [bool(sums[f"heads.{task}.weight"].sum() > 0) for task in range(3)]
    assert counts == [outputs == "all", True, False]


def test_importances_of_tasks_are_summed_and_those_of_the_auxiliary_network_replaced():
    trainer = task_trainer(with_auxiliary(HOLDING["ewc"]))
    train(trainer, until="task_2")
    first = [value.clone() for value in trainer._importance.old]
    assert all((value >= 0).all() for value in first)
    train(trainer, until="task_3.auxiliary")
    second = trainer._importance.old
    assert sum(float(value.sum()) for value in second) > sum(float(value.sum()) for value in first)


@pytest.mark.parametrize("held", ["all", "shared"])
def test_heads_are_held_or_not(held):
    trainer = task_trainer(dataclasses.replace(HOLDING["ewc"], held=held))
    train(trainer, until="task_2")
    of_heads = [
        value
        for (name, _), value in zip(trainer.model.main.named_parameters(), trainer._importance.old, strict=True)
        if name.startswith("heads.0")
    ]
    assert any(value.sum() > 0 for value in of_heads) == (held == "all")


@pytest.mark.parametrize("name", ["ewc", "mas"])
@pytest.mark.parametrize("held", ["all", "shared"])
@pytest.mark.parametrize("auxiliary_weight", [0.0, 1.0])
def test_heads_without_importance_do_not_decay(name, held, auxiliary_weight):
    """The pull has nothing to say of them; a gradient of zeros would let an optimiser shrink them."""
    decaying = dataclasses.replace(OPTIM, weight_decay=0.1)
    changes = {"held": held, "auxiliary_weight": auxiliary_weight, "optim": decaying}
    trainer = task_trainer(dataclasses.replace(HOLDING[name], auxiliary=AuxiliaryConf(optim=decaying), **changes))
    train(trainer, until="task_2")
    before = {name: value.clone() for name, value in trainer.model.main.named_parameters()}
    again = task_trainer(dataclasses.replace(HOLDING[name], auxiliary=AuxiliaryConf(optim=decaying), **changes))
    again.model.load_state_dict(trainer.model.state_dict())
    again.load_state_dict(trainer.state_dict())
    for one in (trainer, again):  # also where a run is resumed
        task = {phase.name: phase for phase in one.phases()}["task_2"]
        task.begin()
        for _ in range(5):
            task.step()
        rested = {name for name, value in one.model.main.named_parameters() if torch.equal(value, before[name])}
        heads = [2] if held == "all" else [0, 2]
        assert rested == {f"heads.{head}.{part}" for head in heads for part in ("weight", "bias")}


@pytest.mark.parametrize("estimator", ["empirical", "exact", "batched"])
def test_a_task_of_one_class_leaves_no_importance_and_no_pull(estimator):
    """The likelihood of its only class is 1 whatever the weights."""
    conf = dataclasses.replace(HOLDING["ewc"], weight=1e6, estimator=estimator)
    trainer = task_trainer(conf, task_training(sizes=(1, 2)))
    found = train(trainer)
    assert not any(trainer._importance.old_held)
    assert all(step["stability"] == 0 for step in found["task_2"])
    assert found["task_2"][-1]["task"] < found["task_2"][0]["task"]
