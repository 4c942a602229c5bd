"""A run that another program goes on with than the one that began it: the record says so, whoever ends it."""

import pytest

from tests.small_runs import SMALL, config_of, stopped, warned
from zsl_runner.errors import RunError
from zsl_runner.runs import result as results
from zsl_runner.runs.attempt import resume
from zsl_runner.runs.result import Result, program_changes
from zsl_runner.runs.stage import StageRun

STOP = 10
"""A step of the first stage's second phase."""


@pytest.fixture
def commits(monkeypatch):
    """Let the source tree be at these commits, one process after the other."""

    def at(commit, dirty=False):
        monkeypatch.setattr(results, "git_state", lambda: {"commit": commit * 40, "dirty": dirty})

    at("a")
    return at


def test_the_same_program_says_nothing(tmp_path, commits):
    directory = stopped(tmp_path, STOP)
    resume(directory, config_of(tmp_path, *SMALL))
    assert warned(directory) == []


def test_another_commit_is_told_and_recorded(tmp_path, commits):
    directory = stopped(tmp_path, STOP)
    commits("b", dirty=True)
    resume(directory, config_of(tmp_path, *SMALL))
    result = Result.load(directory)
    (told,) = warned(directory)
    assert told.startswith(f"resumed with commit {'b' * 12}, changed instead of {'a' * 12}: ")
    assert result.git == {"commit": "b" * 40, "dirty": True}


def test_what_a_process_changed_that_saved_nothing_is_compared_to_the_checkpoint(tmp_path, commits):
    directory = stopped(tmp_path, STOP)
    commits("b")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StageRun, "run", lambda self: (_ for _ in ()).throw(OSError("torn away")))
        with pytest.raises(RunError, match="torn away"):
            resume(directory, config_of(tmp_path, *SMALL))
    resume(directory, config_of(tmp_path, *SMALL))
    assert [told.partition(":")[0] for told in warned(directory)] == [
        f"resumed with commit {'b' * 12} instead of {'a' * 12}"
    ]


def test_every_change_of_a_run_in_many_pieces_is_kept(tmp_path, commits):
    directory = stopped(tmp_path, STOP)
    for commit, step in (("b", STOP + 4), ("c", None)):
        commits(commit)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(StageRun, "stop_requested", lambda self, step=step: self.loop.global_step == step)
            if step is None:
                resume(directory, config_of(tmp_path, *SMALL))
            else:
                with pytest.raises(KeyboardInterrupt):
                    resume(directory, config_of(tmp_path, *SMALL))
    told = [warning.partition(":")[0] for warning in warned(directory)]
    expected = [f"resumed with commit {now * 12} instead of {then * 12}" for now, then in ("ba", "cb")]
    assert sorted(told) == sorted(expected)


def test_a_record_that_lacks_versions_says_nothing():
    now = Result("running", "m", "d", "t", 0, "", versions={"torch": "2.13.0", "platform": "b"}, git={"commit": "a"})
    assert program_changes({}, now) == []
    assert program_changes({"versions": {"platform": "a"}, "git": None}, now) == []
