import json
import math
import os
import re
import subprocess
from pathlib import Path

import pytest

import zsl_runner
from tests.results import make_result
from zsl_runner.config.quoting import again
from zsl_runner.errors import RunError
from zsl_runner.files import writing as atomic
from zsl_runner.runs.result import FILE_NAME, Result, git_state, peak_memory, versions


def test_round_trip_keeps_every_bit_of_every_metric(tmp_path):
    result = make_result(
        metrics={"test/H": 100 / 3, "test/U": 1e-17},
        validation={"val/H": 0.1 + 0.2},
        selection={"mode": "last", "stage_lengths": {"tune": 5}},
        data={"files": [{"path": "a.mat", "sha256": "0"}]},
        git={"commit": "c", "dirty": False},
        error={"type": "RunError", "message": "β"},
    )
    result.save(tmp_path)
    assert Result.load(tmp_path) == result
    assert Result.load(tmp_path / FILE_NAME) == result


def test_metrics_that_are_not_finite_stay_valid_json(tmp_path):
    make_result(metrics={"test/H": math.nan, "test/U": math.inf}).save(tmp_path)
    content = json.loads((tmp_path / FILE_NAME).read_text(), parse_constant=pytest.fail)
    assert content["metrics"] == {"test/H": None, "test/U": None}
    assert math.isnan(Result.load(tmp_path).metrics["test/H"])


def test_a_kill_before_the_rename_leaves_the_old_result(tmp_path, monkeypatch):
    make_result(status="running").save(tmp_path)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        make_result(status="complete").save(tmp_path)
    assert Result.load(tmp_path).status == "running"
    assert os.listdir(tmp_path) == [FILE_NAME]


def test_a_full_disk_is_one_clear_error_and_keeps_the_old_result(tmp_path, monkeypatch):
    make_result(status="running").save(tmp_path)

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(RunError, match=r"result\.json: cannot be written: No space left on device"):
        make_result().save(tmp_path)
    monkeypatch.undo()
    assert Result.load(tmp_path).status == "running"
    assert os.listdir(tmp_path) == [FILE_NAME]


def test_other_versions_are_read(tmp_path):
    make_result().save(tmp_path)
    path = tmp_path / FILE_NAME
    content = json.loads(path.read_text())
    content["schema_version"] = 99
    content["invented_later"] = [1]
    del content["cost"]
    path.write_text(json.dumps(content))
    loaded = Result.load(path)
    assert loaded.schema_version == 99
    assert loaded.cost == {}
    assert loaded.model == "sgal"


def record(**changes):
    known = {"status": "complete", "model": "m", "dataset": "d", "trainer": "t", "seed": 0, "config_hash": "h"}
    return json.dumps(known | changes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"status": "comp', "expected JSON, found a damaged file"),
        ("", "expected JSON, found a damaged file"),
        ("[]", "expected a JSON object, found list"),
        ('{"status": "complete"}', "found no model, dataset, trainer, seed, config_hash"),
        (
            '{"status":"complete","model":"m","dataset":"d","trainer":"t","seed":"0","config_hash":"h"}',
            "seed: found a value of the wrong type",
        ),
        (record(status="done"), "status: expected one of running, complete, failed, interrupted, found 'done'"),
        (record(seed=True), "seed: found a value of the wrong type"),
        (record(metrics={"test/H": "high"}), "metrics: test/H: expected a number"),
        (record(validation={"val/H": 10**400}), "validation: val/H: expected a number"),
        (
            record(quantities={"H": {"digits": -1.5}}),
            "quantities: H: expected unit, lower_is_better, digits, ranked",
        ),
        ("[" * 100_000, "expected JSON, found a damaged file"),
    ],
)
def test_broken_files_give_one_clear_error(tmp_path, content, message):
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(RunError, match=message) as caught:
        Result.load(tmp_path)
    assert str(tmp_path / FILE_NAME) in str(caught.value)


def test_costs_that_are_no_numbers_are_refused(tmp_path):
    cost = {"wall_seconds": 3, "cpu_seconds": 1.5, "stage_seconds": {"fit": 2}}
    (tmp_path / FILE_NAME).write_text(record(cost=cost))
    assert Result.load(tmp_path).cost == cost
    (tmp_path / FILE_NAME).write_text(record(cost=cost | {"wall_seconds": "long"}))
    with pytest.raises(RunError, match="cost: wall_seconds: expected numbers that are not negative, found 'long'"):
        Result.load(tmp_path)


def test_an_unknown_status_is_refused(tmp_path):
    with pytest.raises(ValueError, match="status"):
        make_result(status="done").save(tmp_path)
    assert not os.listdir(tmp_path)


def test_provenance_of_this_process():
    found = versions("some card", "some processor")
    assert found["device"] == "some card"
    assert found["processor"] == "some processor"
    assert {"python", "torch", "numpy", "hydra", "zsl-run", "platform"} <= found.keys()
    assert "not installed" not in found.values()
    assert 5 < peak_memory() < 1e6


def test_the_commit_is_that_of_the_tree_the_package_runs_from():
    tree = Path(zsl_runner.__file__).resolve().parents[1]
    if not (tree / ".git").exists():
        pytest.skip("the package runs from a tree without git")
    asked = subprocess.run(["git", "-C", str(tree), "rev-parse", "HEAD"], capture_output=True, text=True)
    if asked.returncode:
        pytest.skip(f"git says: {asked.stderr.strip()}")
    state = git_state()
    assert state is not None
    assert state["commit"] == asked.stdout.strip()
    assert isinstance(state["dirty"], bool)


def test_of_a_damaged_record_the_command_is_told_that_rebuilds_it(tmp_path):
    (tmp_path / FILE_NAME).write_text("{")
    with pytest.raises(RunError, match=re.escape(f"; it is rebuilt by: {again(tmp_path)}") + "$"):
        Result.load(tmp_path)


def test_a_pipe_or_a_folder_in_its_place_is_not_opened(tmp_path, pipe):
    pipe(tmp_path / FILE_NAME)
    with pytest.raises(RunError, match=f"{FILE_NAME}: expected a file$"):
        Result.load(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(RunError, match=f"{FILE_NAME}: expected a file$"):
        Result.load(tmp_path)
