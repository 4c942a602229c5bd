"""One job of a sweep, as launchers call it."""

from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from tests.small_runs import CLOSED, config_of, finished
from zsl_runner.config.typed import plain
from zsl_runner.errors import OccupiedError
from zsl_runner.sweeps.job import _job
from zsl_runner.sweeps.notes import Note, Plan, read_note

OVERRIDES = [*CLOSED, "dataset=toy"]


def job_of(tmp_path, outputs):
    """Do the job of a sweep of one, and return its objective."""
    folder = tmp_path / "sweep"
    settings = SimpleNamespace(
        sweep=SimpleNamespace(dir=str(folder)),
        job=SimpleNamespace(num=0),
        overrides=SimpleNamespace(task=OVERRIDES),
    )
    config = plain(config_of(outputs, *OVERRIDES, "existing=keep"))
    return _job(OmegaConf.create(config), settings, Plan.load(folder))


@pytest.fixture
def started(tmp_path):
    """Return what starts the job of a complete run, with what an earlier process of it noted, if there was one."""
    directory = finished(tmp_path / "outputs", *OVERRIDES)
    folder = tmp_path / "sweep"

    def start(**before):
        Plan(jobs=1).save(folder)
        if before:
            Note(0, OVERRIDES, str(directory), **before).save(folder)
        assert job_of(tmp_path, tmp_path / "outputs") is not None
        return read_note(folder, 0)

    return start


def test_a_run_that_another_process_has_just_started_is_noted(tmp_path, monkeypatch):
    """The table then tells what becomes of it there, in place of a failure."""

    def launched(*_):
        raise OccupiedError("r: another process has just started this run; wait for it", tmp_path / "r")

    monkeypatch.setattr("zsl_runner.sweeps.job.launch", launched)
    Plan(jobs=1).save(tmp_path / "sweep")
    assert job_of(tmp_path, tmp_path / "outputs") is None
    note = read_note(tmp_path / "sweep", 0)
    assert note.directory == str(tmp_path / "r")
    assert note.error.startswith("OccupiedError: r: another process")


def test_a_run_of_an_earlier_sweep_was_complete_before(started):
    assert started().was_complete


@pytest.mark.parametrize("was_complete", [False, True])
def test_a_job_that_is_started_again_tells_what_was_there_before_its_sweep(started, was_complete):
    assert started(was_complete=was_complete).was_complete == was_complete
