"""What resting networks answer to all rows of a task at once is what they answer step by step."""

import dataclasses

import pytest
import torch

from tests.task_data import task_trainer, task_training, train
from tests.trainers.continual.methods import HOLDING, with_auxiliary
from tests.training.emulated_graph import EmulatedGraph
from tests.weights import same
from zsl_runner.training.replay import Capture
from zsl_runner.training.terms import TermSums


def unasked(trainer):
    """Let the trainer ask the resting networks with every step."""
    trainer._ask = lambda task: {}
    return trainer


@pytest.mark.parametrize("name", ["lwf", "lfl", "icarl"])
@pytest.mark.parametrize("vectors", [False, True])
def test_what_resting_networks_say_is_the_same_at_once_and_step_by_step(name, vectors):
    conf = with_auxiliary(HOLDING[name])
    at_once = task_trainer(conf, task_training(vectors=vectors))
    each = unasked(task_trainer(conf, task_training(vectors=vectors)))
    found, expected = train(at_once), train(each)
    asked = {name: len(answers) for name, answers in at_once._answers.items()}
    assert asked == {"stability": len(at_once._pool.rows), "plasticity": len(at_once._pool.rows)}
    assert each._answers == {}
    for phase, steps in expected.items():
        for one, other in zip(found[phase], steps, strict=True):
            assert one == pytest.approx(other, rel=1e-5, abs=1e-6), phase
    torch.testing.assert_close(at_once.model.snapshots, each.model.snapshots, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("iterations", "asks"), [(4, False), (5, True)])
def test_a_phase_that_does_not_see_all_rows_asks_step_by_step(iterations, asks):
    trainer = task_trainer(dataclasses.replace(HOLDING["lwf"], iterations=iterations))  # 80 rows, 16 in a step
    train(trainer)
    assert bool(trainer._answers) == asks


@pytest.mark.parametrize("name", HOLDING)
def test_replayed_steps_take_the_same_answers(name):
    conf = with_auxiliary(HOLDING[name])
    plain, replayed = task_trainer(conf), task_trainer(conf)
    train(plain)
    capture = Capture(replayed.context.streams, replayed.context.optimisers, graphs=lambda device: EmulatedGraph)
    for phase in replayed.phases():
        if phase.begin is not None:
            phase.begin()
        take = capture.of(phase.step, TermSums(), phase.name)
        for _ in range(phase.steps):
            take()
        if phase.end is not None:
            phase.end()
    assert capture.variants["task_3"].graphs == 1
    assert same(replayed.model.state_dict(), plain.model.state_dict())


def test_weights_that_are_held_need_no_answers():
    trainer = task_trainer(with_auxiliary(HOLDING["ewc"]))
    train(trainer)
    assert trainer._answers == {}
