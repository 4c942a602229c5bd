"""What a stage does beside training follows from its name, the evaluator's options and the stages before it."""

from contextlib import nullcontext
from dataclasses import asdict

import pytest
import torch

from tests.small_runs import CLOSED, SMALL, configuration, cut, cut_short, finished, warned
from zsl_runner.config.schema import EvaluatorConf
from zsl_runner.runs.attempt import resume
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.runs.result import Result
from zsl_runner.runs.stage import GLOBAL_GENERATOR, StagePlan, StageRun
from zsl_runner.runs.state import StageRecord
from zsl_runner.training.runtime import Runtime

pytestmark = pytest.mark.usefixtures("hasty")

TUNED = StageRecord(steps=80, length=70, best_length=30)
BEGIN = {
    "first_step": 0,
    "validates": False,
    "tests": False,
    "probes": False,
    "selects": False,
    "stop_length": None,
    "patience": None,
}
VALIDATES = {"validates": True, "patience": 7}


def plan(name, finished=None, **options):
    return StagePlan.of(name, EvaluatorConf(patience=7, **options), finished or {})


@pytest.mark.parametrize(
    ("name", "select", "finished", "does"),
    [
        ("tune", "last", {}, VALIDATES),
        ("tune", "val", {}, VALIDATES),
        ("final", "last", {}, {"tests": True}),
        ("final", "val", {}, {"tests": True}),
        ("final", "last", {"tune": TUNED}, {"tests": True, "first_step": 80}),
        ("final", "val", {"tune": TUNED}, {"tests": True, "first_step": 80, "stop_length": 30}),
        ("fit", "last", {}, VALIDATES | {"tests": True}),
        ("fit", "val", {}, VALIDATES | {"tests": True, "selects": True}),
    ],
)
def test_the_plan_of_every_stage_and_way_to_select(name, select, finished, does):
    assert asdict(plan(name, finished, select=select)) == {"name": name} | BEGIN | does


@pytest.mark.parametrize("name", ["tune", "final", "fit"])
def test_oracle_metrics_are_computed_where_test_rows_are_read_and_change_nothing_else(name):
    without, wanted = asdict(plan(name)), asdict(plan(name, oracle=True))
    assert wanted == without | {"probes": name != "tune"}


@pytest.mark.parametrize(("name", "finished"), [("tune", {}), ("final", {"tune": TUNED}), ("fit", {})])
@pytest.mark.parametrize("select", ["last", "val"])
def test_a_stage_that_is_done_keeps_its_plan(name, finished, select):
    done = finished | {name: StageRecord(steps=5, length=5, best_length=2)}
    assert plan(name, done, select=select) == plan(name, finished, select=select)


def test_the_test_rows_wait_for_choices_that_are_still_to_be_made():
    done = StageRecord(steps=5, length=5)
    assert not plan("tune").may_test({})
    assert not plan("tune").may_test({"tune": done})
    assert plan("final").may_test({"tune": done})
    assert not plan("fit").may_test({})
    assert plan("fit").may_test({"fit": done})


@pytest.fixture
def draws(monkeypatch):
    """The first validation of a run draws from torch's global generator, as an evaluator of one's own may."""
    validate, calls = StageRun.validate, []

    def drawing(self):
        calls.append(self.plan.name)
        if len(calls) == 1:
            torch.rand(1)
        return validate(self)

    monkeypatch.setattr(StageRun, "validate", drawing)


def test_what_happened_in_the_first_stage_alone_is_in_the_record(draws, tmp_path):
    assert warned(finished(tmp_path, *SMALL)) == [f"stage tune: {GLOBAL_GENERATOR}"]


@pytest.mark.parametrize("at", [2, 5])
def test_a_warning_is_kept_over_a_kill(draws, tmp_path, at):
    directory = cut_short(tmp_path, *SMALL, at=at)
    with cut(Checkpoints, "save", 1) as dead:
        resume(directory, configuration(directory))
    assert dead
    resume(directory, configuration(directory))
    assert warned(directory) == [f"stage tune: {GLOBAL_GENERATOR}"]


@pytest.mark.parametrize("select", ["last", "val"])
def test_a_rollback_that_the_final_stage_does_not_repeat_is_told(tmp_path, select):
    still = ["trainer.optim.lr=0", *(f"model.{part}.batch_norm=false" for part in ("encoder", "decoder", "prior"))]
    result = Result.load(finished(tmp_path, *SMALL, *still, f"evaluator.select={select}"))
    assert result.selection["stage_lengths"]["tune"] == 6
    told = [
        warning for warning in result.warnings if warning.startswith("validation metrics are of weights with 6 of ")
    ]
    assert len(told) == (select == "last")


MIXED = "runtime.precision=bf16"


def of_precision(directory):
    return [text for text in Result.load(directory / "result.json").warnings if "no effect" in text]


def test_a_precision_that_the_trainer_never_asks_for_is_told(tmp_path):
    (told,) = of_precision(finished(tmp_path, *CLOSED, "dataset=toy", MIXED))
    assert told.startswith(f"{MIXED} has no effect: the trainer computes nothing in context.runtime.autocast()")


def test_a_precision_that_was_asked_for_before_a_kill_is_not_told(tmp_path, monkeypatch):
    """As where the phases that are left have nothing to ask it for."""
    directory = cut_short(tmp_path, *SMALL, MIXED, at=8)
    monkeypatch.setattr(Runtime, "autocast", lambda self: nullcontext())
    resume(directory, configuration(directory))
    assert of_precision(directory) == []
