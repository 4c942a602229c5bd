import math
import os
import subprocess
import sys

import numpy as np
import pytest
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import metadata

from zsl_runner.config.sections import TrackerConf
from zsl_runner.tracking.tensorboard import MOST_EMBEDDED, sizes
from zsl_runner.tracking.tracker import Tracker

pytestmark = pytest.mark.usefixtures("hasty")

CONF = TrackerConf(progress="none", projector=True)
PHASES = {"tune": ["pretrain", "learn"], "final": ["pretrain", "learn"]}


def write(directory, steps, resume_step=None, complete=True):
    tracker = Tracker(directory, CONF, resume_step=resume_step, run_name="sgal/digits/seed-0")
    tracker.describe({"model": "sgal", "seed": 0, "model.lr": 1e-3, "model.bias": True}, PHASES)
    tracker.text("config", f"resumed at {resume_step}")
    for step in steps:
        tracker.scalars(step, {"kl": step / 2}, "final", "pretrain")
        tracker.scalars(step, {"val/H": float(step)}, "tune", "pretrain")
    tracker.close(complete)


def load(directory):
    accumulator = EventAccumulator(str(directory), size_guidance={"scalars": 0, "tensors": 0, "images": 0})
    accumulator.Reload()
    return accumulator


def steps_of(directory, tag="train/pretrain/kl"):
    """Return the steps shown, on which the event reader and TensorBoard's server, which differ, have to agree."""
    shown = [event.step for event in load(directory).Scalars(tag)]
    server = plugin_event_accumulator.EventAccumulator(str(directory))
    server.Reload()
    assert [event.step for event in server.Tensors(tag)] == shown
    return shown


def test_scalars_under_their_tags(tmp_path):
    write(tmp_path, range(5))
    accumulator = load(tmp_path)
    assert set(accumulator.Tags()["scalars"]) == {"train/pretrain/kl", "val/H"}
    assert [event.value for event in accumulator.Scalars("train/pretrain/kl")] == [0, 0.5, 1, 1.5, 2]


def test_a_file_name_that_is_no_unicode_is_shown_by_its_numbers(tmp_path):
    tracker = Tracker(tmp_path, CONF, run_name="sgal/digits/seed-0")
    tracker.text("config", f"root: {os.fsdecode(b'caf' + bytes([0xE9]))}")
    tracker.close(complete=True)
    accumulator = load(tmp_path)
    (tag,) = (tag for tag in accumulator.Tags()["tensors"] if tag.startswith("config"))
    (event,) = accumulator.Tensors(tag)
    assert event.tensor_proto.string_val == [rb"root: caf\udce9"]


def test_a_resumed_run_shows_each_step_once(tmp_path):
    write(tmp_path, range(1, 10), complete=False)
    write(tmp_path, range(5, 12), resume_step=4)
    assert steps_of(tmp_path) == list(range(1, 12))
    assert steps_of(tmp_path, "val/H") == list(range(1, 12))


def test_a_torn_event_file_of_a_killed_run_is_no_obstacle(tmp_path):
    write(tmp_path, range(1, 10), complete=False)
    (events,) = tmp_path.glob("events.*")
    events.write_bytes(events.read_bytes()[:-11])
    write(tmp_path, range(5, 8), resume_step=4)
    assert steps_of(tmp_path) == [1, 2, 3, 4, 5, 6, 7]


def test_event_files_of_one_run_sort_by_their_time(tmp_path, monkeypatch):
    monkeypatch.undo()  # with seconds that pass
    for resume_step in (None, 1, 2):
        write(tmp_path, [3], resume_step)
    seconds = [int(path.name.split(".")[3]) for path in tmp_path.glob("events.*")]
    assert len(set(seconds)) == 3


def test_starting_over_in_place_hides_everything_before(tmp_path):
    write(tmp_path, range(1, 10), complete=False)
    write(tmp_path, range(1, 3), resume_step=-1)
    assert steps_of(tmp_path) == [1, 2]


def test_a_run_that_is_resumed_with_its_first_events_describes_itself(tmp_path):
    write(tmp_path, range(5, 8), resume_step=4)
    accumulator = load(tmp_path)
    assert metadata.SESSION_START_INFO_TAG in accumulator.PluginTagToContent(metadata.PLUGIN_NAME)
    assert "custom_scalars__config__" in accumulator.Tags()["tensors"]
    assert steps_of(tmp_path) == [5, 6, 7]


def curves(directory):
    accumulator = load(directory)
    return {
        tag: [(event.step, event.value) for event in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]
    }


def test_a_run_whose_events_were_removed_has_its_curves_again(tmp_path):
    for name in ("whole", "removed"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, range(1, 10), complete=False)
    for path in (tmp_path / "removed").glob("events.*"):
        path.unlink()
    for resume_step, steps in ((6, range(7, 9)), (7, range(8, 12))):
        for name in ("whole", "removed"):
            write(tmp_path / name, steps, resume_step)
    assert curves(tmp_path / "removed") == curves(tmp_path / "whole")
    assert steps_of(tmp_path / "removed") == list(range(1, 12))
    assert len(load(tmp_path / "removed").Tensors(metadata.SESSION_START_INFO_TAG)) == 1


def test_of_event_files_that_were_removed_or_cut_beside_others_a_resumed_run_tells(tmp_path, caplog):
    write(tmp_path, range(1, 5), complete=False)
    write(tmp_path, range(5, 9), resume_step=4, complete=False)
    written = {"rows": 16, "files": sizes(tmp_path)}
    first, second = sorted(tmp_path.glob("events.*"))
    first.write_bytes(first.read_bytes()[:-11])
    second.unlink()
    tracker = Tracker(tmp_path, CONF, resume_step=8, written=written)
    tracker.close()
    (told,) = tracker.warnings
    assert told in caplog.messages
    assert f"{tmp_path}: {first.name}, {second.name} removed or cut" in told

    for path in tmp_path.glob("events.*"):
        path.unlink()
    tracker = Tracker(tmp_path, CONF, resume_step=8, written=written)
    tracker.describe({}, PHASES)
    tracker.close()
    assert tracker.warnings == []
    assert steps_of(tmp_path) == list(range(1, 9))


def test_one_session_per_run_with_its_hyperparameters(tmp_path):
    write(tmp_path, range(1, 5), complete=False)
    write(tmp_path, range(3, 5), resume_step=2)
    accumulator = load(tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    contents = accumulator.PluginTagToContent(metadata.PLUGIN_NAME)
    assert set(contents) == {metadata.SESSION_START_INFO_TAG, metadata.SESSION_END_INFO_TAG}
    assert len(accumulator.Tensors(metadata.SESSION_START_INFO_TAG)) == 1
    start = metadata.parse_session_start_info_plugin_data(contents[metadata.SESSION_START_INFO_TAG])
    assert start.group_name == "sgal/digits/seed-0"
    assert start.hparams["model"].string_value == "sgal"
    assert start.hparams["seed"].number_value == 0
    assert start.hparams["model.lr"].number_value == 1e-3
    assert start.hparams["model.bias"].bool_value is True


def test_what_a_complete_run_measured_stands_with_its_hyperparameters_and_in_no_chart(tmp_path):
    directory = tmp_path / "sgal" / "digits" / "seed-0"
    directory.mkdir(parents=True)
    settings = {"model": "sgal", "seed": 0, "model.lr": 1e-3}
    for resume_step in (None, 2):  # interrupted, then resumed
        tracker = Tracker(directory, CONF, resume_step=resume_step)
        tracker.describe(settings, PHASES)
        tracker.scalars(3, {"kl": 1.0}, "final", "pretrain")
        if resume_step is not None:
            tracker.scalars(4, {"test/H": 40.0, "oracle/H": 50.0}, "final", "test")
            tracker.conclude(settings, {"H (test)": 40.0, "test/U": 30.0, "test/X": math.nan}, 4)
        tracker.close(complete=resume_step is not None)
    for accumulator in (load(directory), plugin_event_accumulator.EventAccumulator(str(directory)).Reload()):
        contents = accumulator.PluginTagToContent(metadata.PLUGIN_NAME)
        start = metadata.parse_session_start_info_plugin_data(contents[metadata.SESSION_START_INFO_TAG])
        values = {name: value.string_value or value.number_value for name, value in start.hparams.items()}
        assert values == {**settings, "H (test)": 40.0, "test/U": 30.0}
        assert start.group_name == "sgal/digits/seed-0"
    accumulator = load(directory)
    assert set(accumulator.Tags()["scalars"]) == {"train/pretrain/kl", "oracle/H"}
    (words,) = accumulator.Tensors("results/text_summary")
    assert b"| H (test) | 40 |" in words.tensor_proto.string_val[0]
    assert "test/H" in (directory / "metrics.csv").read_text()


def test_only_a_complete_run_is_marked_as_finished(tmp_path):
    write(tmp_path, [1], complete=False)
    assert metadata.SESSION_END_INFO_TAG not in load(tmp_path).PluginTagToContent(metadata.PLUGIN_NAME)


def test_the_layout_puts_metrics_and_terms_side_by_side(tmp_path):
    write(tmp_path, range(1, 5), complete=False)
    write(tmp_path, range(3, 5), resume_step=2)
    (event,) = load(tmp_path).Tensors("custom_scalars__config__")
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    accuracy, losses = layout.category
    assert [chart.title for chart in accuracy.chart] == ["val"]
    assert list(accuracy.chart[0].multiline.tag) == ["val/T1$", "val/U$", "val/S$", "val/H$"]
    assert [chart.title for chart in losses.chart] == ["tune/pretrain", "tune/learn", "train/pretrain", "train/learn"]
    assert list(losses.chart[2].multiline.tag) == ["train/pretrain/.*"]


def test_other_than_zero_shot_data_have_no_chart_of_zero_shot_accuracies(tmp_path):
    tracker = Tracker(tmp_path, CONF)
    tracker.describe({"seed": 0}, {"fit": ["cvae"]})
    tracker.close(complete=True)
    (event,) = load(tmp_path).Tensors("custom_scalars__config__")
    (losses,) = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0]).category
    assert [chart.title for chart in losses.chart] == ["train/cvae"]


def test_a_resumed_run_adds_its_configuration_where_it_resumes(tmp_path):
    write(tmp_path, range(1, 5), complete=False)
    write(tmp_path, range(3, 5), resume_step=2)
    events = load(tmp_path).Tensors("config/text_summary")
    assert [(event.step, event.tensor_proto.string_val[0]) for event in events] == [
        (0, b"resumed at None"),
        (2, b"resumed at 2"),
    ]


def test_embeddings_are_capped_and_keep_rows_and_labels_together(tmp_path):
    points = np.arange(3 * MOST_EMBEDDED, dtype=np.float32)[:, None].repeat(2, axis=1)
    names = [f"class {index}" for index in range(len(points))]
    tracker = Tracker(tmp_path, CONF)
    tracker.embedding("features", points, {"class": names, "origin": ["real"] * len(points)}, 7)
    tracker.close()
    (folder,) = tmp_path.glob("*/features")
    vectors = (folder / "tensors.tsv").read_text().splitlines()
    labels = (folder / "metadata.tsv").read_text().splitlines()
    assert len(vectors) == MOST_EMBEDDED
    assert labels[0] == "class\torigin"
    assert len(labels) == MOST_EMBEDDED + 1
    for row in (0, 17, MOST_EMBEDDED - 1):
        assert labels[row + 1] == f"class {int(float(vectors[row].split()[0]))}\treal"


def test_what_must_not_be_imported_is_not(tmp_path):
    program = f"""
import sys, pathlib
from zsl_runner.config.schema import TrackerConf
from zsl_runner.tracking.tracker import Tracker
assert not {{"torch", "matplotlib", "tensorboard"}} & sys.modules.keys()
tracker = Tracker(pathlib.Path({str(tmp_path)!r}), TrackerConf(progress="none"))
tracker.describe({{"seed": 0}}, {{"final": ["fit"]}})
tracker.scalars(1, {{"kl": 1.0}}, "final", "fit")
assert tracker.learning_curves(1) is not None
tracker.close(complete=True)
found = {{"tensorflow", "tensorboard.plugins.hparams.api", "matplotlib.pyplot"}} & sys.modules.keys()
assert not found, found
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
