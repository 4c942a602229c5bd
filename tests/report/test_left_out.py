"""Runs that stand in no table of a report are listed below it."""

import os

import pytest

from tests.outputs import rows_of
from zsl_runner.config.quoting import again
from zsl_runner.files.locks import exclusive
from zsl_runner.report.formats import as_csv, latex, markdown


def test_runs_that_are_not_complete_are_listed(outputs):
    outputs.add(40.0)
    failed = outputs.add(99.0, 1, status="failed", error={"type": "NonFiniteError", "message": "kl=nan\nmore"})
    stopped = outputs.add(99.0, 2, status="interrupted")
    running = outputs.add(None, 3, status="running")
    bare = outputs.add(None, 4)
    broken = outputs.folder / "broken"
    broken.mkdir()
    (broken / "result.json").write_text("{")
    report = outputs.report()
    assert [row.cells["test/H"].mean for row in rows_of(report)] == [40.0]
    assert report.notes[0] == f"failed: {failed} (seed 1): NonFiniteError: kl=nan"
    assert report.notes[1] == f"interrupted: {stopped} (seed 2); continue with: {again(stopped)}"
    assert report.notes[2] == f"cut short: {running} (seed 3); continue with: {again(running)}"
    with exclusive(running):
        assert outputs.report().notes[2] == f"running: {running} (seed 3)"
    assert report.notes[3] == f"complete but without U, H: {bare}"
    assert report.notes[4].startswith(f"unreadable: {broken / 'result.json'}: expected JSON")
    for form in (markdown, as_csv, latex):
        assert all(note in form(report) for note in report.notes)


def test_folders_that_cannot_be_read_are_said_and_left_out(outputs, monkeypatch):
    outputs.add(40.0)
    locked = outputs.add(90.0, model="vzsl").parent
    scan = os.scandir

    def refusing(path):
        if str(path) == str(locked):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    report = outputs.report()
    assert [row.cells["test/H"].mean for row in rows_of(report)] == [40.0]
    assert report.notes == [f"unreadable: {locked}: cannot be read: Permission denied; runs in it are left out"]


def test_a_run_that_never_began_is_listed_and_other_folders_are_not(outputs):
    outputs.add(40.0)
    lost = outputs.folder / "sgal" / "cub" / "lost"
    lost.mkdir()
    (lost / "config.yaml").write_text("# The whole configuration of a run, written by zsl-run 0.1.0.\nseed: 0\n")
    foreign = outputs.folder / "conf"
    foreign.mkdir()
    (foreign / "config.yaml").write_text("defaults: []\n")
    assert outputs.report().notes == [f"unreadable: {lost}: config.yaml but no result.json; resume= makes it anew"]


def test_debug_runs_stand_in_no_table(outputs):
    outputs.add(40.0)
    fast = outputs.add(99.0, 1, debug={"steps": 2})
    broken = outputs.add(99.0, 2, debug={"anomaly": True}, status="failed")
    report = outputs.report()
    assert [row.cells["test/H"].mean for block in report.blocks for row in block.rows] == [40.0]
    assert report.notes == [
        f"debug run, not comparable: {fast} (steps=2; complete)",
        f"debug run, not comparable: {broken} (anomaly=True; failed)",
    ]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (
            "toy: the files do not fit together:\n  - labels: expected 9\n  - test: none\n  - x: no\nCorrect them.",
            "toy: the files do not fit together: labels: expected 9 and 2 more",
        ),
        ("toy: the data are inconsistent:\n  labels: expected 9", "toy: the data are inconsistent: labels: expected 9"),
        ("kl=nan at step 3\n  of em", "kl=nan at step 3"),
        ("nothing follows:", "nothing follows:"),
    ],
)
def test_the_reason_of_an_error_in_several_lines_is_told(outputs, message, why):
    failed = outputs.add(status="failed", error={"type": "DataError", "message": message})
    assert outputs.report().notes == [f"failed: {failed} (seed 0): DataError: {why}"]
