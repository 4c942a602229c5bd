"""One job of a sweep, as launchers call it."""

from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from tests.small_runs import CLOSED, config_of, finished
from zsl_runner.config.typed import plain
from zsl_runner.sweeps.job import _job
from zsl_runner.sweeps.notes import Note, Plan, read_note

OVERRIDES = [*CLOSED, "dataset=toy"]


@pytest.fixture
def started(tmp_path):
    """Return what starts the job of a complete run, with what an earlier process of it noted, if there was one."""
    directory = finished(tmp_path / "outputs", *OVERRIDES)
    folder = tmp_path / "sweep"

    def start(**before):
        Plan(jobs=1).save(folder)
        if before:
            Note(0, OVERRIDES, str(directory), **before).save(folder)
        settings = SimpleNamespace(
            sweep=SimpleNamespace(dir=str(folder)),
            job=SimpleNamespace(num=0),
            overrides=SimpleNamespace(task=OVERRIDES),
        )
        config = plain(config_of(tmp_path / "outputs", *OVERRIDES, "existing=keep"))
        assert _job(OmegaConf.create(config), settings, Plan.load(folder)) is not None
        return read_note(folder, 0)

    return start


def test_a_run_of_an_earlier_sweep_was_complete_before(started):
    assert started().was_complete


@pytest.mark.parametrize("was_complete", [False, True])
def test_a_job_that_is_started_again_tells_what_was_there_before_its_sweep(started, was_complete):
    assert started(was_complete=was_complete).was_complete == was_complete
