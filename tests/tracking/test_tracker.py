import logging
import os
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from zsl_runner.config.sections import TrackerConf
from zsl_runner.tracking.table import read
from zsl_runner.tracking.tracker import Tracker


def figure():
    drawn = Figure(figsize=(2, 1), dpi=50)
    drawn.add_subplot().plot([0, 1], [1, 0])
    return drawn


@pytest.fixture
def tracker(tmp_path):
    made = Tracker(tmp_path, TrackerConf(progress="none"))
    yield made
    made.close()


def test_a_figure_is_saved_and_shown(tracker, tmp_path):
    path = tracker.figure("confusion", figure, 7)
    assert path == tmp_path / "figures" / "confusion.png"
    tracker.close()
    accumulator = EventAccumulator(str(tmp_path)).Reload()
    (image,) = accumulator.Images("zsl figures/confusion")
    assert image.step == 7
    assert (image.width, image.height) == (320, 160)  # it is smaller than a card: more dots to the inch alone
    with Image.open(path) as saved:
        assert saved.size == (100, 50)


def test_tensorboard_lists_figures_after_all_scalars_and_no_copy_of_its_own_charts(tracker, tmp_path):
    tracker.scalars(1, {"kl": 1.0, "val/H": 2.0, "oracle/H": 3.0}, "tune", "em")
    tracker.scalars(2, {"kl": 1.0, "test/H": 2.0}, "final", "em")
    tracker.figure("confusion", figure, 2)
    assert tracker.learning_curves(2) is not None
    tracker.close()
    tags = EventAccumulator(str(tmp_path)).Reload().Tags()
    assert tags["images"] == ["zsl figures/confusion"]
    groups = {tag.partition("/")[0] for tag in tags["scalars"]}
    assert max(groups) < "zsl figures"


def test_several_figures_are_the_frames_of_one_that_moves(tracker, tmp_path):
    def frames():
        drawn = [figure(), figure()]
        for place, one in enumerate(drawn):
            one.add_axes((place / 2, 0, 0.5, 1), facecolor="black")
        return drawn

    path = tracker.figure("training", frames, 3)
    assert path == tmp_path / "figures" / "training.gif"
    with Image.open(path) as moving:
        assert (moving.n_frames, moving.size, moving.info["loop"]) == (2, (100, 50), 0)
        dark = []
        for place in range(2):
            moving.seek(place)
            grey = np.asarray(moving.convert("L")) < 128
            dark.append([grey[:, :50].mean() > 0.5, grey[:, 50:].mean() > 0.5])
    assert dark == [[True, False], [False, True]]
    tracker.close()
    (image,) = EventAccumulator(str(tmp_path)).Reload().Images("zsl figures/training")
    assert image.encoded_image_string == path.read_bytes()
    assert (image.width, image.height) == (100, 50)


def test_a_failing_figure_warns_once_and_stops_nothing(tracker, tmp_path, caplog):
    def broken():
        raise ZeroDivisionError("no classes")

    with caplog.at_level(logging.WARNING):
        assert tracker.figure("confusion", broken, 1) is None
        assert tracker.figure("confusion", broken, 2) is None
        assert tracker.figure("other", figure, 2) is not None
    assert [record.getMessage() for record in caplog.records] == [
        "figure confusion was not written: ZeroDivisionError: no classes; the run continues"
    ]
    assert not (tmp_path / "figures" / "confusion.png").exists()


def test_a_figure_that_cannot_be_saved_is_a_warning_too(tracker, tmp_path, caplog):
    (tmp_path / "figures").write_text("in the way")
    assert tracker.figure("confusion", figure, 1) is None
    assert len(caplog.records) == 1


def test_figures_can_be_turned_off(tmp_path):
    tracker = Tracker(tmp_path, TrackerConf(progress="none", figures=False, tensorboard=False))
    assert tracker.figure("confusion", lambda: pytest.fail("drawn"), 1) is None
    tracker.embedding("features", None, {}, 1)
    tracker.describe({"seed": 0}, {})
    tracker.text("config", "x")
    tracker.scalars(1, {"kl": 1.0}, "final", "fit")
    tracker.flush()
    tracker.close(complete=True)
    tracker.close(complete=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.csv"]
    assert [row.value for row in read(tmp_path / "metrics.csv")] == [1.0]


def test_a_failing_projector_warns_once(tmp_path, caplog):
    tracker = Tracker(tmp_path, TrackerConf(progress="none", projector=True))
    tracker.embedding("features", None, {"class": []}, 1)
    tracker.embedding("features", None, {"class": []}, 2)
    tracker.close()
    assert len(caplog.records) == 1
    assert "projector features was not written" in caplog.records[0].getMessage()


def test_points_that_fill_the_disk_leave_the_room_they_took(tmp_path, monkeypatch, caplog):
    """What is left of the disk is for the checkpoint that follows."""
    tracker = Tracker(tmp_path, TrackerConf(progress="none", projector=True))
    points, columns = np.zeros((9, 2), dtype=np.float32), {"class": ["a"] * 9}
    tracker.embedding("whole", points, columns, 1)
    before = {path.name for path in tmp_path.rglob("*")}

    def full(_points, folder):
        (Path(folder) / "tensors.tsv").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("torch.utils.tensorboard.writer.make_mat", full)
    tracker.embedding("half", points, columns, 1)
    tracker.embedding("later", points, columns, 2)
    assert {path.name for path in tmp_path.rglob("*")} == before
    assert f"{tmp_path}/00001/half: cannot be written: No space left on device" in tracker.warnings[0]
    tracker.close()


def test_points_are_written_anew_after_a_kill(tmp_path, capsys):
    for resumed in (None, 0):
        tracker = Tracker(tmp_path, TrackerConf(progress="none", projector=True), resume_step=resumed)
        tracker.embedding("points", np.zeros((9, 2), dtype=np.float32), {"class": ["a"] * 9}, 1)
        tracker.close()
    assert "Embedding dir exists" not in capsys.readouterr().out  # a warning that a user can do nothing about


def test_a_full_disk_under_the_events_is_told_once_and_costs_nothing_else(tracker, tmp_path, monkeypatch, caplog):
    def full(*_args, **_keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tracker._tensorboard._events, "add_summary", full)
    for step in (1, 2):
        tracker.scalars(step, {"kl": 1.0}, "final", "fit")
    (record,) = caplog.records
    assert "events.out.tfevents.*: cannot be written: No space left on device" in record.getMessage()
    assert len(tracker.warnings) == 1
    assert [row.step for row in read(tmp_path / "metrics.csv")] == [1, 2]


def replaced(path):
    path.rename(path.with_name("elsewhere.csv"))
    path.write_text("x" * 99)


def cut(path):
    os.truncate(path, path.stat().st_size - 1)


@pytest.mark.parametrize("harm", [Path.unlink, replaced, cut])
def test_a_table_that_others_harm_is_told_once(tracker, tmp_path, caplog, harm):
    tracker.scalars(1, {"kl": 1.0}, "final", "fit")
    tracker.flush()
    assert tracker.warnings == []
    harm(tmp_path / "metrics.csv")
    tracker.scalars(2, {"kl": 1.0}, "final", "fit")
    tracker.flush()
    tracker.close()
    (warning,) = tracker.warnings
    assert warning.startswith(f"{tmp_path}/metrics.csv was removed, replaced or cut while the run was writing it: ")
    assert len(caplog.records) == 1


def test_learning_curves_come_from_the_table(tracker, tmp_path):
    for step in range(1, 4):
        tracker.scalars(step, {"kl": 1.0 / step, "reconstruction": 2.0}, "tune", "fit")
        tracker.scalars(step, {"val/H": 10.0 * step}, "tune", "fit")
    assert tracker.learning_curves(3) == tmp_path / "figures" / "learning_curves.png"
