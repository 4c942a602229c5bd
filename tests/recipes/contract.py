"""What every method must fulfil in whole runs; inherit `RunContract` in a test class and supply ``arguments``."""

from dataclasses import fields, replace
from functools import partial
from typing import ClassVar

import numpy as np
import torch

from tests.golden.runs import QUIET
from tests.recipes.comparison import same_end
from tests.small_runs import configuration, cut_short, finished
from zsl_runner.data.load import load
from zsl_runner.data.zero_shot.draws import drawn_of_each
from zsl_runner.data.zero_shot.records import ZeroShotRecords
from zsl_runner.runs import run
from zsl_runner.runs.attempt import resume
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.runs.result import FILE_NAME, Result

INPUTS = ("features", "images")


class RunContract:
    """Tests of short runs of a method on data that need no file.

    Attributes:
        arguments: of `zsl-run`; few steps, several validations, and checkpoints in each phase of each stage.
        transductive: whether training sees the inputs of test rows; of these only the labels are exchanged then.
    """

    arguments: ClassVar[tuple[str, ...]] = ()
    transductive: ClassVar[bool] = False

    def test_exchanged_test_rows_leave_everything_but_test_metrics_as_it_is(self, tmp_path, monkeypatch):
        exchanged_rows_decide_nothing(self.arguments, self.transductive, tmp_path, monkeypatch)

    def test_a_run_killed_after_any_checkpoint_ends_as_one_that_was_not(self, tmp_path, monkeypatch):
        saves, save = [], Checkpoints.save
        with monkeypatch.context() as patch:
            patch.setattr(Checkpoints, "save", lambda *given, **named: saves.append(save(*given, **named)))
            straight = finished(tmp_path / "straight", *QUIET, *self.arguments)
        assert len(saves) > 1, "no checkpoint before the end: the arguments lack a checkpoint.every"
        for count in range(1, len(saves)):
            killed = cut_short(tmp_path / f"killed-{count}", *QUIET, *self.arguments, at=count)
            resume(killed, configuration(killed))
            same_end(straight, killed)


def exchanged_rows_decide_nothing(arguments, only_labels, tmp_path, monkeypatch):
    """Compare a run with one on other test rows, or on shuffled labels of them alone."""
    weights, validated, tested = bits(finished(tmp_path / "one", *QUIET, *arguments))
    with monkeypatch.context() as patch:
        patch.setattr(run, "load", partial(exchanged, only_labels=only_labels))
        others, same, different = bits(finished(tmp_path / "other", *QUIET, *arguments))
    assert others.keys() == weights.keys()
    assert [name for name, values in weights.items() if not torch.equal(values, others[name])] == []
    assert same == validated
    assert validated[0]
    assert different.keys() == tested.keys()
    assert different != tested


def exchanged(conf, only_labels):
    """Return the records with other test rows, or with the test rows' labels shuffled alone.

    In the few-shot setting the labels stay: by them the rows are drawn that training sees, and these stay, too.
    """
    records = load(conf)
    splits = ("test_seen", "test_unseen") if isinstance(records, ZeroShotRecords) else ("test",)
    parts = [getattr(records, name) for name in splits]
    shots = getattr(conf, "shots", 0)
    if shots:
        parts[1] = drawn_of_each(records.labels, parts[1], shots, conf.shots_seed, records.class_names)[1]
    count = len(next(getattr(records, name) for name in INPUTS if hasattr(records, name)))
    changes = {}
    for field in fields(records):
        values = getattr(records, field.name)
        if not isinstance(values, np.ndarray) or len(values) != count or field.name in ("train", "trainval"):
            continue
        if only_labels if field.name in INPUTS else shots:
            continue
        changes[field.name] = values = values.copy()
        for number, rows in enumerate(parts):
            order = np.random.default_rng(number + (field.name in INPUTS)).permutation(len(rows))
            values[rows] = values[rows[order]]
            if field.name in INPUTS:
                values[rows] = values.max() - values[rows]
    return replace(records, **changes)


def bits(directory):
    """Return the newest weights, and what was chosen and measured on validation rows; and the test metrics."""
    saved, record = Checkpoints(directory / "checkpoints").newest(), Result.load(directory / FILE_NAME)
    return saved.state["parts"]["model"], (record.validation, record.selection), record.metrics
