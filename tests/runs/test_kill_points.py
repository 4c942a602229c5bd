"""Wherever a run is killed, again and again, each row and event stands once in the end, as if it never had been."""

import os
import signal
from contextlib import contextmanager, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from tests.recipes.comparison import final_state, rows, same_end
from tests.slow import slow_if
from tests.small_runs import SMALL, config_of, cut, finished, stopped
from zsl_runner.evaluation.base import measured
from zsl_runner.runs import stage
from zsl_runner.runs.attempt import execute, resume
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.runs.result import Result
from zsl_runner.tracking.tracker import Tracker

pytestmark = pytest.mark.usefixtures("hasty")

STEPS = 24
PATIENT = (
    *(setting for setting in SMALL if not setting.startswith("evaluator.every")),
    "evaluator.every=2",
    "evaluator.patience=1",
)
"""Its first stage ends in the middle of a phase."""
ONE_STAGE = (
    "model=baseline_nn",
    "dataset=digits_quadrant",
    "model.hidden=[24]",
    "trainer.epochs=3",
    "trainer.batch_size=400",
    "trainer.evaluate_every=1",
    "tracker.figures=false",
    "tracker.progress=none",
    "runtime.device=cpu",
)
"""Validates and tests in one stage, which ends with the weights of its best validation."""
PATIENT_IN_ONE_STAGE = (
    *(setting for setting in ONE_STAGE if not setting.startswith("trainer.epochs")),
    "trainer.epochs=40",
    "trainer.optim.lr=0.3",
    "evaluator.patience=1",
)
"""Ends in the middle of its phase, then tests."""
POINTS = {
    "row": (Tracker, "scalars"),
    "flush": (Tracker, "flush"),
    "checkpoint": (Checkpoints, "save"),
    "close": (Tracker, "close"),
}


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("straight"), *SMALL)


def scalars(directory):
    """Return (tag, step) of every scalar in the event files, in their order."""
    found = []
    for path in sorted(directory.glob("events.*")):
        for record in RawEventFileLoader(str(path)).Load():
            event = Event.FromString(record)
            found += [(value.tag, event.step) for value in event.summary.value if value.HasField("simple_value")]
    return found


def cut_at(point, work):
    """Do what ``work`` does until a point of it, given as what is called, how often, and whether that is finished."""
    name, at, after = point
    with cut(*POINTS[name], at, after):
        work()


def ends_as(straight, directory, config):
    if Result.load(directory).status != "complete":
        resume(directory, config)
    same_end(straight, directory)
    assert scalars(directory) == scalars(straight)


def killed_anywhere(straight, outputs, kills):
    config, made = config_of(outputs, *SMALL), []
    cut_at(kills[0], lambda: execute(config, list(SMALL), announce=made.append))
    (directory,) = made
    for point in kills[1:]:
        if Result.load(directory).status != "complete":
            cut_at(point, lambda: resume(directory, config))
    ends_as(straight, directory, config)


def killed_while_it_tests(straight, outputs, kills):
    directory, config = stopped(outputs, STEPS), config_of(outputs, *SMALL)
    assert final_state(directory)["step"] == STEPS
    assert not any(row[-2].startswith("test/") for row in rows(directory))
    for point in kills:
        if Result.load(directory).status != "complete":
            cut_at(point, lambda: resume(directory, config))
    ends_as(straight, directory, config)


def test_killed_in_training_in_the_last_checkpoint_and_after_the_test(straight, tmp_path):
    killed_anywhere(straight, tmp_path, [("row", 2, True), ("checkpoint", 11, True), ("row", 1, True)])


def test_stopped_in_the_last_step_and_killed_while_it_tests(straight, tmp_path):
    killed_while_it_tests(straight, tmp_path, [("row", 1, True)])


@contextmanager
def told_to_stop(nth):
    """Ask this process to stop in the middle of the measurement number ``nth``, which must not go on."""
    calls = 0

    def struck(*arguments):
        nonlocal calls
        calls += 1
        if calls == nth:
            os.kill(os.getpid(), signal.SIGTERM)
            pytest.fail("the measurement went on after the signal")
        return measured(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "measured", struck)
        yield


MEASURED = {
    "two stages": (SMALL, 5),
    "patience": (PATIENT, 3),
    "one stage": (ONE_STAGE, 4),
    "patience in one": (PATIENT_IN_ONE_STAGE, 7),
    "two stages, oracle": ((*SMALL, "evaluator.oracle=true"), 9),
    "one stage, oracle": ((*ONE_STAGE, "evaluator.oracle=true"), 7),
}
"""Settings, and how often a run of them can be stopped in a measurement."""


@pytest.mark.parametrize("name", slow_if(MEASURED.keys() - {"two stages, oracle", "patience in one"}, MEASURED))
def test_stopped_in_every_measurement(tmp_path, name):
    settings, measurements = MEASURED[name]
    straight, config = finished(tmp_path / "straight", *settings), config_of(tmp_path / "stopped", *settings)
    made, stops = [], 0
    with told_to_stop(1), pytest.raises(KeyboardInterrupt):
        execute(config, list(settings), announce=made.append)
    (directory,) = made
    while Result.load(directory).status == "interrupted":
        stops += 1
        assert stops <= measurements, "a measurement that was cut short is made again and again"
        with told_to_stop(2), suppress(KeyboardInterrupt):  # the first one is that which was cut short
            resume(directory, config)
    same_end(straight, directory)
    assert scalars(directory) == scalars(straight)
    assert stops == measurements


def points(most):
    return st.lists(
        st.tuples(st.sampled_from(sorted(POINTS)), st.integers(1, most), st.booleans()), min_size=1, max_size=3
    )


SOME = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.slow
@SOME
@given(kills=points(25))
def test_killed_anywhere(straight, tmp_path_factory, kills):
    killed_anywhere(straight, tmp_path_factory.mktemp("outputs"), kills)


@pytest.mark.slow
@SOME
@given(kills=points(1))
def test_stopped_in_the_last_step_and_killed_anywhere_later(straight, tmp_path_factory, kills):
    killed_while_it_tests(straight, tmp_path_factory.mktemp("outputs"), kills)
