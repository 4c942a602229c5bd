from collections.abc import Mapping

import pytest
import torch

from zsl_runner.errors import NonFiniteError, RunError
from zsl_runner.training.base import Phase, StepReport, Trainer
from zsl_runner.training.loop import Cadence, Interrupted, Loop, Selection


class Recorder:
    def __init__(self):
        self.phases, self.rows, self.advanced = [], [], 0

    def begin_phase(self, stage: str, phase: str, steps: int, done: int) -> None:
        self.phases.append((stage, phase, steps, done))

    def advance(self) -> None:
        self.advanced += 1

    def scalars(self, step: int, values: Mapping[str, float], stage: str, phase: str) -> None:
        self.rows.append((step, dict(values), stage, phase))


class Counting(Trainer):
    """Two phases whose loss is the number of steps taken; ``rare`` is the same in every second step alone.

    The second phase is gone through again after the steps ``again_at``.
    """

    def __init__(self, undo_at=(), bad_at=None, again_at=()):
        self.undo_at, self.bad_at, self.again_at = undo_at, bad_at, again_at
        self.count, self.begun, self.validated = 0, 0, []

    def phases(self):
        def step():
            self.count += 1
            value = float("nan") if self.count == self.bad_at else float(self.count)
            terms = {"loss": torch.tensor(value), "kl": torch.tensor(1.0)}
            if self.count % 2 == 0:
                terms["rare"] = torch.tensor(float(self.count))
            return StepReport(terms, 3, {"x": torch.ones(2)})

        def begin():
            self.begun += 1

        def on_validation(metrics):
            self.validated.append(self.count)
            return self.count in self.undo_at

        return [
            Phase("one", 7, step),
            Phase(
                "two",
                5,
                step,
                begin=begin,
                on_validation=on_validation,
                validate_every=2,
                repeats=lambda: self.count in self.again_at,
            ),
        ]


class Stage:
    """Measures what it is told to, keeps the number of steps of each best validation and of each checkpoint."""

    def __init__(self, trainer, scores, oracle, stop_at):
        self.trainer, self.scores, self.oracle, self.stop_at = trainer, scores, oracle, stop_at
        self.kept, self.saved = [], []

    def validate(self):
        if self.scores is None:
            return None
        return {"val/H": self.scores(self.trainer.count)}, {"offset": float(self.trainer.count)}

    def probe(self):
        return self.oracle

    def keep_best(self):
        self.kept.append(self.trainer.count)

    def save(self, step):
        self.saved.append(step)

    def stop_requested(self):
        return self.trainer.count == self.stop_at


def build(trainer, *, stage="tune", scores=float, oracle=(), stop_at=None, cadence=None, **options):
    events = Recorder()
    hooks = Stage(trainer, scores if stage == "tune" else None, dict(oracle), stop_at)
    loop = Loop(
        trainer,
        hooks,
        stage=stage,
        first_step=options.pop("first_step", 0),
        cadence=cadence or Cadence(log_every=3, validate_every=4, checkpoint_every=5),
        events=events,
        selection=Selection("val/H", options.pop("patience", None)),
        **options,
    )
    return loop, events, hooks


def losses(events, name="loss"):
    return [(step, values[name]) for step, values, _, _ in events.rows if name in values]


def test_counts_logs_and_saves_at_its_cadence():
    loop, events, hooks = build(Counting(), first_step=100)
    loop.run()
    assert events.phases == [("tune", "one", 7, 0), ("tune", "two", 5, 0)]
    assert losses(events) == [(103, 2.0), (106, 5.0), (107, 7.0), (110, 9.0), (112, 11.5)]
    assert hooks.saved == [105, 110]
    assert (loop.position.done, loop.position.real_rows, events.advanced) == (12, 36, 12)


def test_a_term_of_some_steps_is_averaged_over_those_that_have_it():
    loop, events, _ = build(Counting())
    loop.run()
    assert losses(events, "rare") == [(3, 2.0), (6, 5.0), (10, 9.0), (12, 12.0)]


def test_sums_of_an_earlier_version_are_of_one_number_of_steps():
    stopped, _, _ = build(Counting(), stop_at=5)
    with pytest.raises(Interrupted):
        stopped.run()
    state = stopped.state_dict()
    assert state["summed"] == {"loss": 2, "kl": 2, "rare": 1}
    resumed, events, _ = build(Counting())
    resumed.load_state_dict(state | {"summed": 2})
    resumed.run()
    assert losses(events, "kl")[0] == (6, 1.0)


def test_validates_at_the_cadence_of_the_phase_and_at_its_end():
    loop, events, _ = build(Counting())
    loop.run()
    assert [step for step, values, _, _ in events.rows if "val/H" in values] == [4, 7, 9, 11, 12]
    assert loop.selection.best_length == 12
    assert loop.selection.choices == {"offset": 12.0}


def test_selects_the_length_of_the_best_validation():
    loop, _, hooks = build(Counting(), scores=lambda n: -abs(n - 9))
    loop.run()
    assert hooks.kept == [4, 7, 9]
    assert (loop.selection.best_length, loop.selection.best["val/H"]) == (9, 0)
    assert loop.selection.last["val/H"] == -3
    assert (loop.selection.choices, loop.selection.last_choices) == ({"offset": 9.0}, {"offset": 12.0})


def test_a_metric_that_is_not_measured_cannot_choose():
    loop, events, hooks = build(Counting())
    loop.selection.metric = "val/T1"
    with pytest.raises(RunError, match=r"select_metric: val/T1 was not measured .* measured: val/H$"):
        loop.run()
    assert [step for step, values, _, _ in events.rows if "val/H" in values] == [4]  # at the first validation
    assert hooks.kept == []


def test_undone_steps_do_not_count_as_training_length():
    trainer = Counting(undo_at=(11,))
    loop, _, _ = build(trainer)
    loop.run()
    assert (loop.position.done, loop.position.length) == (12, 10)


def test_a_phase_that_counts_for_nothing_is_gone_through_again():
    trainer = Counting(again_at=(12, 17))
    loop, events, _ = build(trainer)
    loop.run()
    assert events.phases == [("tune", "one", 7, 0), *[("tune", "two", 5, 0)] * 3]
    assert trainer.begun == 3
    assert (loop.position.done, loop.position.length, loop.position.real_rows) == (22, 12, 66)
    assert [step for step, values, _, _ in events.rows if "val/H" in values] == [4, 7, 9, 11, 14, 16, 19, 21, 22]
    assert loop.selection.last_choices == {"offset": 22.0}


@pytest.mark.parametrize("cut", range(7, 23))
def test_a_stop_in_a_phase_that_is_gone_through_again_continues_to_the_same_rows(cut):
    straight, events, _ = build(Counting(again_at=(12, 17)))
    straight.run()
    stopped, before, _ = build(Counting(again_at=(12, 17)), stop_at=cut)
    with pytest.raises(Interrupted):
        stopped.run()
    fresh = Counting(again_at=(12, 17))
    fresh.count = cut
    resumed, after, _ = build(fresh)
    resumed.load_state_dict(stopped.state_dict())
    resumed.run()
    assert before.rows + after.rows == events.rows
    assert resumed.position == straight.position
    assert stopped.trainer.begun + fresh.begun == 3


def test_the_last_metrics_and_choices_are_those_of_the_weights_that_are_left():
    loop, _, _ = build(Counting(undo_at=(11, 12)))
    loop.run()
    assert loop.position.length == 9
    assert (loop.selection.last, loop.selection.last_choices) == ({"val/H": 9.0}, {"offset": 9.0})
    assert loop.selection.best == {"val/H": 12.0}


def test_patience_ends_the_stage():
    loop, events, _ = build(Counting(), scores=lambda n: -n, patience=2)
    loop.run()
    assert loop.position.done == events.advanced == 9
    assert loop.selection.best_length == 4


def test_stops_at_the_selected_length_inside_a_phase():
    trainer = Counting()
    loop, events, _ = build(trainer, stage="final", stop_length=9)
    loop.run()
    assert trainer.count == 9
    assert events.phases[-1] == ("final", "two", 2, 0)
    assert not any("val/H" in values for _, values, _, _ in events.rows)


@pytest.mark.parametrize("cut", range(1, 10))
def test_a_stop_before_the_selected_length_continues_to_it(cut):
    stopped, before, _ = build(Counting(), stage="final", stop_length=9, stop_at=cut)
    with pytest.raises(Interrupted):
        stopped.run()
    fresh = Counting()
    fresh.count = cut
    resumed, after, _ = build(fresh, stage="final", stop_length=9)
    resumed.load_state_dict(stopped.state_dict())
    resumed.run()
    assert fresh.count == 9
    straight, events, _ = build(Counting(), stage="final", stop_length=9)
    straight.run()
    assert before.rows + after.rows == events.rows
    assert resumed.position == straight.position


def test_a_stage_without_validation_never_undoes():
    trainer = Counting(undo_at=range(100))
    loop, _, _ = build(trainer, stage="final")
    loop.run()
    assert loop.position.length == 12
    assert trainer.validated == []


def test_oracle_probe_is_logged_and_changes_nothing():
    plain, probed = Counting(), Counting()
    loop, events, _ = build(plain, stage="final")
    loop.run()
    other, looked, _ = build(probed, stage="final", oracle={"oracle/H": 1.0})
    other.run()
    assert losses(events) == losses(looked)
    assert [step for step, values, _, _ in looked.rows if "oracle/H" in values] == [4, 7, 9, 11, 12]


@pytest.mark.parametrize("cut", range(1, 13))
def test_a_stop_after_any_step_continues_to_the_same_rows(cut):
    straight, events, _ = build(Counting(), scores=lambda n: -abs(n - 8))
    straight.run()

    trainer = Counting()
    stopped, before, hooks = build(trainer, scores=lambda n: -abs(n - 8), stop_at=cut)
    with pytest.raises(Interrupted):
        stopped.run()
    assert hooks.saved[-1] == cut
    state = stopped.state_dict()
    fresh = Counting()
    fresh.count = trainer.count
    resumed, after, _ = build(fresh, scores=lambda n: -abs(n - 8))
    resumed.load_state_dict(state)
    resumed.run()
    assert before.rows + after.rows == events.rows
    assert resumed.position == straight.position
    assert resumed.selection == straight.selection
    assert trainer.begun + fresh.begun == 1


def test_a_term_that_is_not_finite_stops_the_run_and_leaves_the_batch(tmp_path):
    loop, _, hooks = build(Counting(bad_at=6), postmortem=tmp_path)
    with pytest.raises(NonFiniteError, match=r"tune/one step 6 \(global step 6\): loss=nan.*lower the learning rate"):
        loop.run()
    left = torch.load(tmp_path / "nonfinite-step-000000006.pt", weights_only=True)
    assert left["batch"]["x"].tolist() == [1, 1]
    assert hooks.saved == [5]


@pytest.mark.parametrize("refused", [OSError(28, "No space left on device"), RuntimeError("failed writing file")])
def test_a_batch_that_cannot_be_kept_hides_no_term_that_is_not_finite(tmp_path, monkeypatch, refused):
    def full(_, path):
        path.write_bytes(b"half")
        raise refused

    monkeypatch.setattr(torch, "save", full)
    loop, _, _ = build(Counting(bad_at=6), postmortem=tmp_path)
    with pytest.raises(NonFiniteError, match=r"step 6 .*loss=nan; .* could not be kept in .*nonfinite-step.*lower"):
        loop.run()
    assert list(tmp_path.iterdir()) == []


def test_finiteness_is_checked_at_its_cadence_and_at_the_end_of_a_phase():
    for bad_at, found in ((3, "steps 1 to 4 "), (5, "steps 5 to 7 "), (7, "steps 5 to 7 ")):
        loop, _, _ = build(Counting(bad_at=bad_at), cadence=Cadence(finite_every=4))
        with pytest.raises(NonFiniteError, match=f"tune/one {found}.*loss=nan"):
            loop.run()
