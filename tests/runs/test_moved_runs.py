"""A run whose directory is moved or removed while it is at work writes into no other, and goes on where it lies."""

import shutil

import pytest

from tests.recipes.comparison import same_end
from tests.small_runs import SMALL, config_of, configuration, content, finished
from zsl_runner.errors import RunError
from zsl_runner.runs.attempt import execute, resume
from zsl_runner.runs.checkpoint import Checkpoints

# TensorBoard's writer opens its file by name for every event, in a thread of its own.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def kept(directory):
    return {path: found for path, found in content(directory).items() if not path.name.startswith("events.")}


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("straight"), *SMALL)


@pytest.fixture
def interfered(tmp_path, monkeypatch):
    """Return a function that starts a run and does something to its directory once its third checkpoint is written."""

    def start(interfere):
        save, calls, made = Checkpoints.save, [], []

        def counted(self, *arguments):
            path = save(self, *arguments)
            calls.append(path)
            if len(calls) == 3:
                interfere(made[0])
            return path

        with monkeypatch.context() as patch:
            patch.setattr(Checkpoints, "save", counted)
            with pytest.raises(RunError) as raised:
                execute(config_of(tmp_path, *SMALL), list(SMALL), announce=made.append)
        return made[0], str(raised.value)

    return start


def test_a_run_that_was_moved_stops_and_goes_on_where_it_lies(straight, interfered, tmp_path):
    moved = tmp_path / "moved"
    directory, told = interfered(lambda place: place.rename(moved))
    assert f"{directory}: is no longer there: the run was moved" in told
    assert "resume=RUN" in told
    assert not directory.exists()
    assert resume(moved, configuration(moved)).status == "complete"
    same_end(straight, moved)


def test_nothing_is_written_into_another_run_that_lies_in_its_place(straight, interfered, tmp_path):
    moved, before = tmp_path / "moved", []

    def exchange(place):
        place.rename(moved)
        shutil.copytree(straight, place)
        record = place / "result.json"
        record.write_text(record.read_text().replace('"started": "20', '"started": "19'))
        before.append(kept(place))

    directory, told = interfered(exchange)
    assert "holds another run by now" in told
    assert f"resume={directory}" not in told
    assert kept(directory) == before[0]
    assert resume(moved, configuration(moved)).status == "complete"
    same_end(straight, moved)


def test_a_run_that_was_removed_is_not_made_again(interfered):
    directory, told = interfered(shutil.rmtree)
    assert "is no longer there" in told
    assert not directory.exists()
