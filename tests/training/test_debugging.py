"""The options of the group ``debug``: what each of them does, and that a run without them is as it was."""

import errno
import gzip
import json
import re
import warnings
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from scripts.benchmark import problem
from tests.small_runs import CLOSED, finished
from zsl_runner.config.hashes import config_hash
from zsl_runner.config.sections import DebugConf, TrackerConf
from zsl_runner.config.typed import plain
from zsl_runner.errors import NonFiniteError, RunError
from zsl_runner.objectives.gaussian import kl_divergence
from zsl_runner.runs.result import Result
from zsl_runner.tracking.figures.profile import operations
from zsl_runner.tracking.tracker import Tracker
from zsl_runner.training.base import StepReport
from zsl_runner.training.debugging import DebuggedTrainer, Recorded, Recording, Share, Watched, _place, show

TOY = ("dataset=toy", "dataset.width=12", "dataset.train_rows=30", "model.latent_dim=4", "trainer.batch_size=16")
SGAL = (*TOY, "model=sgal", "model.prior.hidden=[8]")
CVAE = ("dataset=digits_quadrant", "model=cvae_pairs", "model.hidden=[8]", "trainer.batch_size=16")
AAE = ("dataset=digits_images", "dataset.labelled=100", "trainer.batch_size=16")
IMAGES = ("model=cvae_images", "model.hidden=[8]", *AAE)


def trainer_of(parts, record=lambda recording: None, folder=None, **options):
    return DebuggedTrainer(parts.trainer, DebugConf(**options), "final", folder, record)


def test_without_the_options_everything_is_as_it_was():
    config = problem.configuration(*SGAL)
    assert config.debug.active() == {}
    values = plain(config)
    before_the_group = {key: value for key, value in values.items() if key != "debug"}
    assert config_hash(values) == config_hash(before_the_group)
    hashes = {config_hash(plain(problem.configuration(*SGAL, f"debug={name}"))) for name in ("fast", "overfit", "none")}
    assert len(hashes) == 3
    assert config_hash(values) in hashes
    phases = problem.stage(config).trainer.phases()
    assert [(phase.name, phase.steps) for phase in phases] == [("seen", 800), ("em", 300)]


def test_phases_are_shortened_and_otherwise_their_own():
    parts = problem.stage(problem.configuration(*SGAL))
    before, after = parts.trainer.phases(), trainer_of(parts, steps=2).phases()
    assert [(phase.name, phase.steps) for phase in after] == [("seen", 2), ("em", 2)]
    assert [phase.validate_every for phase in after] == [phase.validate_every for phase in before]
    assert [phase.steps for phase in trainer_of(parts, steps=500).phases()] == [500, 300]


def test_exemplars_of_all_classes_are_chosen_in_shortened_runs(tmp_path):
    """Six classes have come after the third task, and the memory is asked for exemplars of each of them."""
    run = finished(
        tmp_path,
        *CLOSED[1:],
        "dataset=split_digits",
        "model=task_heads",
        "trainer=icarl",
        "trainer.memory=200",
        "debug=fast",
    )
    assert Result.load(run).debug == {"steps": 2}


@pytest.mark.parametrize(
    ("overrides", "count"),
    [(SGAL, 16), (CVAE, 16), (IMAGES, 8), ((*TOY[:3], "model=f_clswgan", "trainer.batch_size=16"), 16)],
    ids=["zero-shot", "pairs", "images", "adversarial"],
)
def test_one_batch_is_seen_again_and_again(overrides, count):
    """The conditional autoencoder learns from labelled images alone, and only half of that batch is labelled."""
    parts = problem.stage(problem.configuration(*overrides, "debug.overfit=true"))
    phase = problem.phase(parts, parts.trainer.phases()[0].name)

    def rows():
        batch = phase.step().batch["x"]
        return sorted(map(tuple, batch.reshape(len(batch), -1).tolist()))

    first, *others = [rows() for _ in range(3)]
    assert len(first) == count
    assert len(set(first)) > 1
    assert others == [first, first]
    free = problem.stage(problem.configuration(*overrides))
    phase = problem.phase(free, free.trainer.phases()[0].name)
    assert rows() != rows()


def test_one_batch_is_learned():
    sizes = ("dataset=digits_quadrant", "model=baseline_nn", "model.hidden=[64]", "trainer.batch_size=16")
    ends = []
    for overfit in ("true", "false"):
        parts = problem.stage(problem.configuration(*sizes, f"debug.overfit={overfit}"))
        step = problem.phase(parts, "fit").step
        losses = [float(step().terms["loss"]) for _ in range(200)]
        ends.append(sum(losses[-10:]) / 10)
    assert ends[0] < 0.93 * ends[1]


def test_the_rows_of_a_batch_are_of_many_classes():
    parts = problem.stage(problem.configuration(*SGAL))
    data = parts.trainer.context.data
    small = data.limited(16)
    assert len(small.features) == len(small.labels) == 16
    assert len(small.labels.unique()) > 8
    assert small.labelled_classes is data.labelled_classes
    everything = torch.arange(len(data.features))
    kept = data.features.take(everything)
    assert all((row == kept).all(1).any() for row in small.features.take(torch.arange(16)))


def test_of_few_labels_half_a_batch_has_one():
    data = problem.stage(problem.configuration(*IMAGES)).fold.train
    small = data.limited(16)
    assert (len(small.images), len(small.labelled)) == (16, 8)
    assert len(data.limited(10**6).images) == len(data.images)


def nan_in_backward():
    x = torch.zeros(3, requires_grad=True)
    loss = (x.sqrt() * 0).sum()
    torch.autograd.grad(loss, [x])
    return StepReport({"loss": loss.detach()}, 3)


def test_anomaly_mode_names_the_operation():
    with pytest.raises(NonFiniteError, match=r"^final/em: the gradient of Sqrt is NaN"):
        Watched(nan_in_backward, "final/em")()
    nan_in_backward()  # outside nothing is watched


TRACEBACK = """\
Error detected in LogBackward0. Traceback of forward call that caused the error:
  File "/x/bin/run", line 1, in <module>
    main()
  File "/x/zsl_runner/trainers/em/trainer.py", line 77, in _iterate
    step()
  File "/x/zsl_runner/objectives/gaussian.py", line 12, in kl_divergence
    ratio = variance.log()
 (Triggered internally)
"""


def test_anomaly_mode_names_the_line_of_ours():
    expected = ", which zsl_runner/objectives/gaussian.py:12 (kl_divergence) calls: ratio = variance.log()"
    assert _place(TRACEBACK) == expected
    assert _place("") == ""


def test_anomaly_mode_finds_the_line_in_what_torch_says():
    def step():
        zero, log_variance = torch.zeros(2, 3), torch.full((2, 3), 200.0, requires_grad=True)
        divergence = kl_divergence(zero, log_variance, zero, torch.full((2, 3), -200.0))
        torch.autograd.grad((divergence * 0).sum(), [log_variance])

    with pytest.raises(
        NonFiniteError, match=r"of Exp is NaN, which zsl_runner/objectives/gaussian.py:\d+ \(kl_divergence"
    ):
        Watched(step, "final/em")()


def test_anomaly_mode_lets_everything_else_through():
    def fails():
        raise RuntimeError("of another kind")

    def warns():
        warnings.warn("take care", UserWarning, stacklevel=1)
        return StepReport({"loss": torch.zeros(())}, 1)

    with pytest.raises(RuntimeError, match="of another kind"):
        Watched(fails, "final/em")()
    with pytest.warns(UserWarning, match="take care"):
        assert Watched(warns, "final/em")().real_rows == 1


def test_a_trace_that_a_full_disk_does_not_hold_is_named(tmp_path, monkeypatch):
    def full(_, path):
        Path(path).write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch.profiler.profile, "export_chrome_trace", full)
    parts = problem.stage(problem.configuration(*SGAL))
    phase = trainer_of(parts, folder=tmp_path / "profile", profile=1, steps=1).phases()[0]
    with pytest.raises(RunError, match=r"profile/final-seen\.pt\.trace\.json\.gz: cannot be written: No space left"):
        phase.step()
    assert list((tmp_path / "profile").iterdir()) == []


def test_the_profiler_records_some_steps_and_writes_a_trace(tmp_path):
    parts = problem.stage(problem.configuration(*SGAL))
    found = []
    phases = trainer_of(parts, found.append, tmp_path / "profile", profile=2, steps=4).phases()
    assert [phase.steps for phase in phases] == [4, 4]
    for steps_taken in range(1, 5):
        phases[0].step()
        assert len(found) == (1 if steps_taken >= 3 else 0)  # one to warm up, two recorded
    (recording,) = found
    assert (recording.stage, recording.phase, recording.steps) == ("final", "seen", 2)
    assert recording.trace == tmp_path / "profile" / "final-seen.pt.trace.json.gz"
    with gzip.open(recording.trace) as file:
        names = {event.get("name") for event in json.load(file)["traceEvents"]}
    assert "aten::addmm" in names
    shares = {share.name: share for share in recording.shares}
    assert shares["aten::addmm"].calls == pytest.approx(round(2 * shares["aten::addmm"].calls) / 2)
    assert [share.seconds for share in recording.shares] == sorted((s.seconds for s in recording.shares), reverse=True)
    assert "aten::addmm" in recording.table
    total, unit = re.search(r"Self CPU time total: ([0-9.]+)(us|ms|s)", recording.table).groups()
    seconds = float(total) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit]
    assert 2 * sum(share.seconds for share in recording.shares) == pytest.approx(seconds, rel=1e-3)  # of two steps


def test_a_recording_becomes_a_figure_and_a_text(tmp_path):
    shares = [Share(f"aten::op{place}", 0.002 / (place + 1), 2.0) for place in range(20)]
    tracker = Tracker(tmp_path, TrackerConf(progress="none"))
    show(Recording("tune", "em", 5, tmp_path / "t.json.gz", "the table", shares), tracker)
    tracker.close()
    assert (tmp_path / "figures" / "profile_tune_em.png").is_file()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert "zsl figures/profile_tune_em" in events.Tags()["images"]
    (text,) = events.Tensors("profile/tune/em/text_summary")
    assert "the table" in text.tensor_proto.string_val[0].decode()
    (axes,) = operations([(share.name, share.seconds, share.calls) for share in shares], "tune/em").axes
    assert [tick.get_text() for tick in axes.get_yticklabels()][-1] == "5 others"
    assert len(axes.patches) == 16
    assert axes.patches[-1].get_width() == pytest.approx(1e3 * sum(share.seconds for share in shares[15:]))
    assert axes.get_title(loc="left") == f"tune/em: {sum(1e3 * share.seconds for share in shares):.2f} ms a step"


def test_a_phase_shorter_than_the_recording_is_recorded_whole():
    calls, finished = [], []
    step = Recorded(lambda: calls.append(1) or StepReport({}, 0), 0, 1, finished.append)
    step()
    assert (len(calls), len(finished)) == (1, 1)
    parts = problem.stage(problem.configuration("dataset=toy", "model=eszsl"))
    (phase,) = trainer_of(parts, profile=5).phases()
    assert (phase.step._first, phase.step._last) == (1, 1)


def test_options_are_counted_as_they_are_on():
    assert DebugConf(steps=2, anomaly=True).active() == {"steps": 2, "anomaly": True}
