"""What a run has done so far goes through a checkpoint unchanged, and into its record at the end."""

from dataclasses import replace

import pytest

from zsl_runner.config.schema import EvaluatorConf
from zsl_runner.runs.result import Result
from zsl_runner.runs.state import RunState, StageRecord, chosen, records

TUNED = StageRecord(
    steps=80,
    length=70,
    best={"val/H": 60.0},
    best_length=30,
    best_choices={"gamma": 0.5},
    last={"val/H": 50.0},
    last_choices={"gamma": 0.25},
    gradient_steps=90,
    real_rows=800,
    seconds=1.5,
    graphs={"tune/fit": 3},
    eager_variants={"tune/fit": 1},
)
TESTED = StageRecord(steps=30, length=30, gradient_steps=31, real_rows=300, seconds=0.5)


def state(**finished):
    result = Result("running", "sgal", "toy", "em", 0, "hash")
    found = RunState(result)
    found.finished = dict(finished)
    result.warnings = ["of the data"]
    found.warn(("of training", "of the data"))
    result.metrics = {"test/H": 55.0}
    return found


def test_a_checkpoint_gives_back_what_was_done_and_time_goes_on():
    before = state(tune=TUNED)
    kept = before.state_dict() | {"wall": 100.0, "cpu": 90.0}
    after = RunState(Result("running", "sgal", "toy", "em", 0, "hash"))
    after.result.warnings = ["of the data"]
    after.load_state_dict(kept)
    assert after.finished == {"tune": TUNED}
    assert after.result.metrics == {"test/H": 55.0}
    assert after.result.warnings == ["of the data", "of training"]
    again = after.state_dict()
    assert again["wall"] > 100.0
    assert again["cpu"] >= 90.0
    assert {**again, "wall": 100.0, "cpu": 90.0} == kept


@pytest.mark.parametrize(
    ("select", "validation", "gamma"), [("last", TUNED.last, 0.25), ("val", TUNED.best, 0.5)], ids=["last", "val"]
)
def test_the_record_tells_of_the_length_that_was_selected(select, validation, gamma):
    done = state(tune=TUNED, final=TESTED)
    done.conclude(EvaluatorConf(select=select, select_metric="val/H"))
    assert done.result.validation == validation
    assert done.result.selection == {
        "mode": select,
        "metric": "val/H",
        "stage_lengths": {"tune": 70, "final": 30},
        "best_validation_length": 30,
        "gamma": gamma,
    }
    assert done.result.cost["gradient_steps"] == {"tune": 90, "final": 31}
    assert done.result.cost["real_rows"] == {"tune": 800, "final": 300}
    assert done.result.cost["stage_seconds"] == {"tune": 1.5, "final": 0.5}
    assert done.result.cost["graphs"] == {"tune/fit": 3}
    assert done.result.cost["eager_variants"] == {"tune/fit": 1}
    assert "device_memory_mb" not in done.result.cost
    done.conclude(EvaluatorConf(select=select, select_metric="val/H"), device_memory=512.0)
    assert done.result.cost["device_memory_mb"] == 512.0


def test_a_record_from_before_steps_were_captured_is_read():
    older = {key: value for key, value in vars(TESTED).items() if key not in ("graphs", "eager_variants")}
    assert records({"finished": {"final": older}}) == {"final": TESTED}


def test_without_validation_nothing_was_chosen():
    done = state(final=TESTED)
    done.conclude(EvaluatorConf(select="last"))
    assert chosen(done.finished, "val") == {}
    assert done.result.validation == {}
    assert done.result.selection["best_validation_length"] is None


@pytest.mark.parametrize(
    ("tune", "final", "kept"),
    [
        (["drew"], [], ["of the data", "of training", "stage tune: drew"]),
        ([], ["drew"], ["of the data", "of training", "drew"]),
        (["drew", "short"], ["drew"], ["of the data", "of training", "stage tune: short", "drew"]),
    ],
)
def test_the_record_keeps_what_each_stage_warns_of_once(tune, final, kept):
    before = state(tune=TUNED)
    before.warn_of_training("tune", tune, is_last=False)
    before.warn_of_training("tune", tune, is_last=False)
    after = RunState(Result("running", "sgal", "toy", "em", 0, "hash"))
    after.load_state_dict(before.state_dict())
    after.finished["final"] = TESTED
    after.warn_of_training("final", final, is_last=True)
    assert after.result.warnings == kept


def told(select, **finished):
    done = state(**finished)
    done.conclude(EvaluatorConf(select=select, select_metric="val/H"))
    return done.result.warnings[2:]


def test_steps_undone_in_the_stage_that_validates_alone_are_told():
    """As `trainer.em.rollback_every` undoes them: one model would be validated and another one tested."""
    full, longer = StageRecord(steps=80, length=80), StageRecord(steps=90, length=90)
    (warning,) = told("last", tune=TUNED, final=full)
    assert warning.startswith("validation metrics are of weights with 70 of 80 steps, as validation undid the others, ")
    assert told("val", tune=TUNED, final=full) == []
    assert told("last", tune=full, final=longer) == []  # epochs of more rows
    assert told("last", tune=TUNED, final=replace(full, length=70)) == []
    assert told("last", tune=TUNED) == told("last", fit=TUNED) == told("last", final=full) == []


def test_the_only_stage_needs_no_name():
    done = state(fit=TESTED)
    done.warn_of_training("fit", ["short"], is_last=True)
    assert done.result.warnings == ["of the data", "of training", "short"]
