"""Tasks one after the other: phases and their lengths, rows and classes, which network learns, and an exact resume."""

import copy
import dataclasses
from functools import partial

import pytest
import torch

from tests.task_data import OPTIM, task_accuracy, task_trainer, task_training, train
from tests.trainers.continual.methods import HOLDING, LENGTH, names, parts, with_auxiliary
from tests.weights import same
from zsl_runner.models.task_heads.conf import TaskHeadsConf
from zsl_runner.trainers.continual.conf import EWCConf, FinetuneConf, ICaRLConf, JointConf
from zsl_runner.trainers.continual.options import AuxiliaryConf


def test_phases_of_each_method():
    assert names(task_trainer(FinetuneConf(**LENGTH))) == ["task_1", "task_2", "task_3"]
    assert names(task_trainer(HOLDING["ewc"])) == [
        "task_1",
        "task_1.importance",
        "task_2",
        "task_2.importance",
        "task_3",
    ]
    assert names(task_trainer(with_auxiliary(HOLDING["ewc"])))[2:7] == [
        "task_2.auxiliary",
        "task_2.auxiliary_importance",
        "task_2",
        "task_2.importance",
        "task_3.auxiliary",
    ]
    both = ["task_1", "task_1.exemplars", "task_2.auxiliary", "task_2", "task_2.exemplars"]
    assert names(task_trainer(with_auxiliary(HOLDING["icarl"])))[:5] == both


@pytest.mark.parametrize(
    ("conf", "steps"),
    [
        (FinetuneConf, [10, 10, 10]),  # 80 rows of each task, two epochs of 16 rows a step
        (JointConf, [10, 20, 30]),
        (partial(ICaRLConf, weight=1.0, memory=32, auxiliary=AuxiliaryConf(optim=OPTIM)), [10, 14, 14]),
    ],
)
def test_an_epoch_goes_through_all_rows_of_its_task(conf, steps):
    trainer = task_trainer(conf(**LENGTH | {"iterations": None, "epochs": 2}))
    assert [phase.steps for phase in trainer.phases() if "." not in phase.name] == steps


def test_joint_training_goes_through_all_rows_so_far():
    trainer = task_trainer(JointConf(**LENGTH | {"iterations": None, "epochs": 1}))
    assert [phase.steps for phase in trainer.phases()] == [5, 10, 15]
    train(trainer)
    assert min(task_accuracy(trainer.model.main, trainer.data, task) for task in range(3)) > 0.8


def test_classes_of_earlier_tasks_compete_class_incrementally():
    trainer = task_trainer(FinetuneConf(**LENGTH | {"scenario": "cil", "iterations": 100}))
    train(trainer)
    rows = trainer.data.data
    with torch.no_grad():
        decided = trainer.model.scores(rows.rows.take(torch.arange(len(rows))), range(6), None).argmax(1)
    assert (decided >= 4).float().mean() > 0.9  # the last task's classes win everywhere: catastrophic forgetting


@pytest.mark.parametrize(
    ("scenario", "sizes", "told"), [("til", (2, 1, 1), "(2, 3)"), ("cil", (2, 1, 1), ""), ("til", (2, 2), "")]
)
def test_tasks_of_one_class_are_told_where_nothing_is_to_be_decided(scenario, sizes, told):
    trainer = task_trainer(FinetuneConf(scenario=scenario, **LENGTH), task_training(sizes=sizes))
    assert [told in warning for warning in trainer.warnings()] == ([True] if told else [])


def test_cosines_have_logits_of_classes_to_come():
    data = task_training(vectors=True)
    trainer = task_trainer(with_auxiliary(HOLDING["ewc"]), data)
    train(trainer)
    x = data.data.rows.take(torch.arange(5))
    assert trainer.model.main(x, range(6)).shape == (5, 6)
    assert trainer.model.main(x, range(6)).abs().max() <= 10
    assert not trainer.decides_by_task


def test_old_heads_rest_where_only_the_task_s_classes_compete():
    trainer = task_trainer(FinetuneConf(**LENGTH | {"optim": dataclasses.replace(OPTIM, weight_decay=0.1)}))
    train(trainer, until="task_2")
    before = trainer.model.main.heads[0].weight.clone()
    train_task = {phase.name: phase for phase in trainer.phases()}["task_2"]
    train_task.begin()
    for _ in range(5):
        train_task.step()
    assert torch.equal(trainer.model.main.heads[0].weight, before)


@pytest.mark.parametrize("name", HOLDING)
def test_only_the_network_that_learns_is_in_training_mode(name):
    trainer = task_trainer(with_auxiliary(HOLDING[name]))
    networks = {"main": trainer.model.main, "old": trainer.model.old, "auxiliary": trainer.model.auxiliary}
    modes = {}
    for which, network in networks.items():
        layer = next(module for module in network.modules() if isinstance(module, torch.nn.Linear))
        layer.register_forward_pre_hook(lambda layer, _, which=which: modes[which].add(layer.training))
    for phase in trainer.phases():
        learns = "main" if "." not in phase.name else "auxiliary" if phase.name.endswith(".auxiliary") else None
        modes.update({which: set() for which in networks})
        phase.begin()
        for _ in range(phase.steps):
            trainer.model.train(learns is None)  # an evaluation before the step may leave either
            phase.step()
        if phase.end is not None:
            phase.end()
        for which, seen in modes.items():
            assert seen <= {which == learns}, (phase.name, which)
        assert learns is None or modes[learns]


@pytest.mark.parametrize("name", ["task_2", "task_3.auxiliary", "task_3.joint"])
def test_a_network_begins_to_train_without_moments_of_before(name):
    """So a first step of Adam moves a weight by its learning rate, whatever the gradient; later ones do not."""
    trainer = task_trainer(dataclasses.replace(with_auxiliary(HOLDING["lwf"]), plane=True))
    train(trainer, until=name)
    phase = next(phase for phase in trainer.phases() if phase.name == name)
    phase.begin()
    network = trainer.model.main if name == "task_2" else trainer.model.auxiliary

    def share_moved_by_the_learning_rate():
        before = torch.nn.utils.parameters_to_vector(network.parameters()).detach()
        phase.step()
        moved = (torch.nn.utils.parameters_to_vector(network.parameters()).detach() - before).abs()
        return ((moved[moved > 0] / OPTIM.lr - 1).abs() < 1e-3).float().mean().item()

    assert share_moved_by_the_learning_rate() > 0.9  # all but those of gradients near Adam's eps
    assert share_moved_by_the_learning_rate() < 0.2


@pytest.mark.parametrize("name", HOLDING)
def test_a_trainer_resumes_in_every_phase_with_the_same_bits(name):
    conf = with_auxiliary(dataclasses.replace(HOLDING[name], iterations=4, batch_size=32, plane=name == "mas"))
    whole = task_trainer(conf)
    train(whole)
    steps = sum(phase.steps for phase in whole.phases())
    for stop in range(1, steps, 3):
        cut, rest = task_trainer(conf), task_trainer(conf)
        _go(cut, 0, stop)
        for own, kept in zip(parts(rest), parts(cut), strict=True):
            own.load_state_dict(copy.deepcopy(kept.state_dict()))
        _go(rest, stop, steps)
        assert same(rest.model.state_dict(), whole.model.state_dict())


def _go(trainer, first, last):
    """Take the steps from one number to another, as the loop does."""
    done = 0
    for phase in trainer.phases():
        for place in range(phase.steps):
            if first <= done < last:
                if place == 0 and phase.begin is not None:
                    phase.begin()
                phase.step()
                if place == phase.steps - 1 and phase.end is not None:
                    phase.end()
            done += 1


def test_problems_of_options():
    def keys(conf):
        return [problem.key for problem in conf.problems()]

    assert keys(FinetuneConf(iterations=5)) == ["epochs"]
    assert keys(FinetuneConf(iterations=None, epochs=None)) == ["epochs"]
    assert keys(EWCConf(decay=0.5)) == ["decay"]
    assert keys(EWCConf(accumulate="average")) == ["decay"]
    assert keys(EWCConf(accumulate="average", decay=0.5)) == []
    assert keys(ICaRLConf(memory=None)) == ["memory"]
    assert keys(ICaRLConf(memory_per_class=20)) == ["memory_per_class"]
    assert keys(AuxiliaryConf(epochs=1, iterations=1)) == ["epochs"]
    assert next(iter(TaskHeadsConf(hidden=[]).problems())).key == "hidden"
