"""The plane through three networks: its third corner is trained beside the others, and changes none of them."""

import dataclasses

import pytest
import torch

from tests.task_data import Counting, task_accuracy, task_trainer, train
from tests.trainers.continual.methods import HOLDING, distance, names, told, with_auxiliary
from tests.weights import same
from zsl_runner.data.sources.digits.conf import SplitDigitsConf
from zsl_runner.errors import ConfigError
from zsl_runner.models.task_model import TaskModel, loaded
from zsl_runner.trainers.continual.conf import LwFConf
from zsl_runner.trainers.continual.trainer import ContinualTrainer


def test_the_third_corner_of_a_plane_is_trained_on_all_rows_and_changes_nothing_else():
    conf = with_auxiliary(HOLDING["ewc"])
    plain, drawn = task_trainer(conf), task_trainer(dataclasses.replace(conf, plane=True))
    train(plain)
    train(drawn, until="task_3.joint")
    assert names(drawn) == [*names(plain), "task_3.joint"]
    phase = drawn.phases()[-1]
    phase.begin()
    model, data = drawn.model, drawn.data
    assert distance(model.auxiliary, model.snapshots[1]) == 0
    assert sorted(drawn._pool.rows.tolist()) == list(range(len(data.data)))
    for _ in range(phase.steps):
        phase.step()
    phase.end()
    with loaded(model.main, model.joint):
        assert min(task_accuracy(model.main, data, task) for task in range(3)) > 0.8
    assert not torch.equal(model.joint, model.snapshots[1])
    for name in ("snapshots", "auxiliaries"):
        assert torch.equal(getattr(model, name), getattr(plain.model, name))
    assert same(model.main.state_dict(), plain.model.main.state_dict())


def test_no_plane_through_networks_with_statistics():
    conf = dataclasses.replace(with_auxiliary(HOLDING["ewc"]), plane=True)
    context = task_trainer(conf).context
    counting = dataclasses.replace(context, model=TaskModel(Counting(), context.data.order))
    with pytest.raises(ConfigError, match=r"^trainer\.plane: the network keeps statistics .*; expected false, or"):
        ContinualTrainer(conf, counting)
    assert ContinualTrainer(dataclasses.replace(conf, plane=False), counting).model.statistics.shape[2] > 0


def test_a_plane_needs_two_tasks():
    conf = LwFConf(plane=True, auxiliary_weight=1.0)
    (found,) = told(conf, SplitDigitsConf(n_tasks=1))
    assert found.startswith("plane: its first corner is the network before the last of at least two tasks")
    assert told(conf, SplitDigitsConf(n_tasks=2)) == []
    assert told(dataclasses.replace(conf, plane=False), SplitDigitsConf(n_tasks=1)) == []
    assert [problem.key for problem in LwFConf(plane=True).problems()] == ["plane"]
