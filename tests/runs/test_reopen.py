"""A run goes on, and is scored again, only if it is proved to be the same: configuration, seed, data, whole files."""

import copy
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from tests.slow import slow_if
from tests.small_runs import CLOSED, SMALL, config_of, configuration, content, cut_short, edit, finished
from zsl_runner.config.hashes import config_hash, what_repeats
from zsl_runner.config.identity import flatten
from zsl_runner.config.typed import plain, typed
from zsl_runner.data.command.synthesis import synthesize
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.errors import CheckpointError, RunError
from zsl_runner.evaluate.cli import main
from zsl_runner.runs import attempt
from zsl_runner.runs.attempt import resume
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.runs.opened import open_run
from zsl_runner.runs.reopen import reopen
from zsl_runner.runs.repeated import find
from zsl_runner.runs.restore import restore
from zsl_runner.runs.result import Result


def test_an_edited_configuration_is_refused_with_both_values(stopped_run):
    edit(stopped_run, seed=7, trainer__pretrain_steps=9, trainer__optim__lr=0.5)
    before = content(stopped_run)
    with pytest.raises(CheckpointError) as caught:
        resume(stopped_run, configuration(stopped_run))
    message = str(caught.value)
    assert "seed: now 7, then 0" in message
    assert "trainer.pretrain_steps: now 9, then 6" in message
    assert "trainer.optim.lr: now 0.5, then 0.001" in message
    assert "latent_dim" not in message
    assert content(stopped_run) == before
    restore(stopped_run)
    assert resume(stopped_run, configuration(stopped_run)).status == "complete"


def test_the_same_is_refused_without_a_checkpoint(stopped_run):
    shutil.rmtree(stopped_run / "checkpoints")
    edit(stopped_run, seed=7)
    with pytest.raises(CheckpointError, match="seed: now 7, then 0"):
        resume(stopped_run, configuration(stopped_run))
    edit(stopped_run, seed=0, trainer__pretrain_steps=9)
    with pytest.raises(CheckpointError, match="the hash of all that defines it"):
        resume(stopped_run, configuration(stopped_run))


def test_harmless_keys_and_places_may_change(stopped_run):
    edit(
        stopped_run,
        tracker__log_every=3,
        checkpoint__every=5,
        evaluator__batch_size=7,
        name="other",
        outputs="elsewhere",
    )
    assert resume(stopped_run, configuration(stopped_run)).status == "complete"


def test_a_run_that_another_process_ends_first_is_only_reported(stopped_run, monkeypatch, capsys):
    hold, ended = attempt.exclusive, []

    def ends_first(directory):
        monkeypatch.setattr(attempt, "exclusive", hold)
        resume(directory, configuration(directory))
        ended.append(content(directory))
        return hold(directory)

    monkeypatch.setattr(attempt, "exclusive", ends_first)
    assert resume(stopped_run, configuration(stopped_run)) == Result.load(stopped_run)
    assert ended == [content(stopped_run)]
    first, second = capsys.readouterr().out.split("sgal on toy", 2)[1:]
    assert first.strip() == second.strip()


def other(value, draw):
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + draw(st.integers(1, 5)) * draw(
            st.sampled_from([1, 0.25, -1]) if isinstance(value, float) else st.just(1)
        )
    if isinstance(value, list):
        return [*value, *(value[-1:] or [1])]
    return "other" if isinstance(value, str) else 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_edit_of_what_defines_a_run_is_refused(stopped, data):
    directory, config = stopped
    values = copy.deepcopy(plain(config))
    key = data.draw(st.sampled_from(sorted(what_repeats(values))))
    changed = OmegaConf.create(values)
    OmegaConf.update(changed, key, other(flatten(values)[key], data.draw))
    with pytest.raises(RunError) as caught:
        reopen(directory, typed(changed), "cpu", trains=True)
    assert key in str(caught.value)


def test_a_missing_record_is_made_anew(stopped_run, tmp_path):
    before = Result.load(stopped_run)
    for damage in (None, b"", b"[" * 3000, b'{"status": "comp', b"[]", b'{"status": "complete"}'):
        copied = Path(shutil.copytree(stopped_run, tmp_path / "copy", dirs_exist_ok=True))
        (copied / "result.json").unlink() if damage is None else (copied / "result.json").write_bytes(damage)
        found = reopen(copied, configuration(copied), "cpu", trains=True).result
        for name in ("seed", "config_hash", "started", "command", "git", "data", "model"):
            assert json.dumps(getattr(found, name)) == json.dumps(getattr(before, name)), name
    (stopped_run / "result.json").unlink()
    result = resume(stopped_run, configuration(stopped_run))
    assert (result.status, result.started, result.command) == ("complete", before.started, before.command)
    assert Result.load(stopped_run).metrics == result.metrics != {}


def test_a_record_of_data_in_files_is_made_anew(tmp_path):
    directory = finished(tmp_path, *CLOSED, "dataset=digits")
    before = Result.load(directory)
    (directory / "result.json").unlink()
    resume(directory, configuration(directory))
    after = Result.load(directory)
    assert before.data["files"]
    assert (after.data, after.metrics) == (before.data, before.metrics)


def test_the_record_of_another_run_counts_for_nothing(stopped_run):
    before = Result.load(stopped_run)
    replace(before, seed=5, started="1999", command="another").save(stopped_run)
    result = resume(stopped_run, configuration(stopped_run))
    assert (result.seed, result.started, result.command) == (0, before.started, before.command)


def test_the_record_of_another_complete_run_is_not_taken_for_this_ones_end(stopped_run):
    before = Result.load(stopped_run)
    replace(before, status="complete", metrics={"test/H": 99.0}).save(stopped_run)
    result = resume(stopped_run, configuration(stopped_run))
    assert result.status == "complete"
    assert result.metrics["test/H"] != 99.0
    again = resume(stopped_run, configuration(stopped_run))
    assert (again.metrics, again.finished) == (result.metrics, result.finished)  # its own is only reported


def test_a_kill_between_configuration_and_record_is_no_dead_end(stopped_run):
    for name in ("result.json", "metrics.csv"):
        (stopped_run / name).unlink()
    shutil.rmtree(stopped_run / "checkpoints")
    result = resume(stopped_run, configuration(stopped_run))
    assert (result.status, result.seed, result.model) == ("complete", 0, "sgal")
    assert result.started is not None


def test_a_record_that_may_not_be_read_is_not_a_missing_one(stopped_run, monkeypatch):
    read = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda path, *a, **k: refuse(path) if path.name == "result.json" else read(path, *a, **k)
    )
    before = content(stopped_run)
    with pytest.raises(RunError, match=r"result\.json: cannot be read: Permission denied"):
        resume(stopped_run, configuration(stopped_run))
    assert content(stopped_run) == before


def refuse(path):
    raise PermissionError(13, "Permission denied", str(path))


def test_checkpoints_that_may_not_be_listed_are_not_none(stopped_run, monkeypatch):
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: refuse(path) if Path(path).name == "checkpoints" else scan(path))
    before = {path: path.stat().st_mtime_ns for path in stopped_run.iterdir()}
    with pytest.raises(CheckpointError, match="checkpoints: cannot be read: Permission denied; nothing was changed"):
        resume(stopped_run, configuration(stopped_run))
    assert {path: path.stat().st_mtime_ns for path in stopped_run.iterdir() if path.name != ".lock"} == {
        path: time for path, time in before.items() if path.name != ".lock"
    }


LOCKED = """
import os, sys
from pathlib import Path
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.errors import RunError
from zsl_runner.files.folders import entries
os.setgid(65534), os.setuid(65534)
for look in (lambda: Checkpoints(Path(sys.argv[1])).newest(), lambda: entries(Path(sys.argv[1]))):
    try:
        print(look())
    except RunError as error:
        print(error)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_users_folder_is_not_an_empty_one(tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir(mode=0o000)
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(parent.stat().st_mode | 0o011)
    done = subprocess.run([sys.executable, "-c", LOCKED, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{folder}: cannot be read: Permission denied; nothing was changed"] * 2


def test_what_killed_processes_left_is_removed_under_the_lock(stopped_run):
    for place in (stopped_run, stopped_run / "checkpoints"):
        (place / ".result.json.0a1b2c3d.tmp").write_text("half")
    (stopped_run / ".step-000000004.pt.123.tmp").write_text("half")  # as earlier versions named them
    (stopped_run / ".keep.tmp.txt").write_text("not ours")
    resume(stopped_run, configuration(stopped_run))
    assert [path.name for path in stopped_run.rglob("*.tmp*")] == [".keep.tmp.txt"]


# Runs of earlier versions: format 1 of checkpoints knows the hash of the configuration alone.


def as_format_1(directory):
    for path in (directory / "checkpoints").iterdir():
        state = torch.load(path, weights_only=True)["state"]
        content = {"format": 1, "config_hash": Result.load(directory).config_hash, "torch": str(torch.__version__)}
        torch.save(content | {"state": state}, path)


def test_a_run_of_an_earlier_version_goes_on(stopped_run, stopped, tmp_path):
    as_format_1(stopped_run)
    whole = Path(shutil.copytree(stopped[0], tmp_path / "whole"))
    assert resume(stopped_run, configuration(stopped_run)).metrics == resume(whole, configuration(whole)).metrics


@pytest.mark.parametrize(
    ("key", "message"), [("seed", "seed: now 5, then 0"), ("trainer__pretrain_steps", "the hash of all")]
)
def test_a_run_of_an_earlier_version_is_checked_as_far_as_it_tells(stopped_run, key, message):
    as_format_1(stopped_run)
    edit(stopped_run, **{key: 5})
    with pytest.raises(CheckpointError, match=message):
        resume(stopped_run, configuration(stopped_run))


def test_a_run_of_an_earlier_version_without_record_is_refused(stopped_run):
    as_format_1(stopped_run)
    (stopped_run / "result.json").unlink()
    with pytest.raises(CheckpointError, match="nobody can tell what the run was; start a new one"):
        resume(stopped_run, configuration(stopped_run))


def without_option(directory, key):
    """Make a run one of a version that has no such option."""
    block, _, name = key.rpartition(".")
    lacking = OmegaConf.load(directory / "config.yaml")
    del OmegaConf.select(lacking, block)[name]
    (directory / "config.yaml").write_text(OmegaConf.to_yaml(lacking))
    values = OmegaConf.to_container(lacking)
    result = replace(Result.load(directory), config_hash=config_hash(values))
    result.save(directory)
    checkpoints = Checkpoints(directory / "checkpoints", keep=9)
    saved = checkpoints.newest()
    checkpoints.save(saved.state["step"], saved.state, values, asdict(result), saved.written)


@pytest.fixture
def with_format(request):
    """Return what leaves a run's checkpoints as they are, or makes them those of format 1."""
    return as_format_1 if request.param == 1 else lambda directory: None


@pytest.mark.parametrize(
    ("with_format", "key"),
    slow_if(
        [(1, "runtime.capture"), (2, "trainer.em.gen_noise")],
        product((1, 2), ("runtime.capture", "trainer.em.gen_noise")),
    ),
    indirect=["with_format"],
)
def test_a_run_of_a_version_with_fewer_options_is_scored_and_does_not_go_on(stopped_run, with_format, key, caplog):
    before = open_run(stopped_run).model.state_dict()
    caplog.clear()
    without_option(stopped_run, key)
    with_format(stopped_run)
    kept = content(stopped_run)
    for _ in range(2):
        opened = open_run(stopped_run).model.state_dict()
        assert all(torch.equal(opened[name], weights) for name, weights in before.items())
        assert [key in record.message and "earlier version" in record.message for record in caplog.records] == [True]
        with pytest.raises(CheckpointError, match=rf"earlier version without these options .*\n  {key}=.*\ngo on with"):
            resume(stopped_run, configuration(stopped_run))
        assert content(stopped_run) == kept
        caplog.clear()
        if with_format is not as_format_1:  # the file that is written anew has the option
            restore(stopped_run)
            kept = content(stopped_run)
    edit(stopped_run, trainer__em__gen_ratio=0.5)
    for use in (lambda: resume(stopped_run, configuration(stopped_run)), lambda: open_run(stopped_run)):
        with pytest.raises(CheckpointError, match=r"config\.yaml is not what the run began with"):
            use()


def test_an_option_that_the_run_lacks_cannot_be_given_another_value(stopped_run):
    without_option(stopped_run, "trainer.em.gen_noise")
    edit(stopped_run, trainer__em__gen_noise=0.5)
    with pytest.raises(CheckpointError, match=r"trainer.em.gen_noise: now 0.5, then 0.0"):
        open_run(stopped_run)


def test_a_complete_run_of_a_version_with_fewer_options_is_reported(stopped_run):
    resume(stopped_run, configuration(stopped_run))
    without_option(stopped_run, "runtime.capture")
    before = content(stopped_run)
    assert resume(stopped_run, configuration(stopped_run)).status == "complete"
    assert content(stopped_run) == before


# Data


@pytest.fixture
def own_data(tmp_path):
    """Two folders of data in the xlsa17 layout that differ in their features."""
    for number in (0, 1):
        (tmp_path / f"data_{number}").mkdir()
        synthesize(tmp_path / f"data_{number}", ToyConf(name="toy", data_seed=number))
    return tmp_path


def overrides(root, *more):
    return ("dataset=xlsa17", "dataset.name=mine", f"dataset.root='{root}'", "dataset.cache=null", *CLOSED, *more)


def test_exchanged_data_are_refused_with_both_checksums(own_data, capsys):
    root = own_data / "data_0"
    directory = cut_short(own_data / "outputs", *overrides(root), at=1)
    before = Result.load(directory).data["files"]
    shutil.copy(own_data / "data_1" / "res101.mat", root)
    config = config_of(own_data / "outputs", *overrides(root))
    kept = content(directory)
    for use in (lambda: resume(directory, config), lambda: open_run(directory)):
        with pytest.raises(CheckpointError) as caught:
            use()
        message = str(caught.value)
        assert "the data are not what the run began with" in message
        assert "res101.mat: sha256 now " in message
        assert f", then {before[0]['sha256']}" in message
        assert message.count("sha256 now") == 1
    assert main([str(directory)]) == 1
    assert "res101.mat: sha256 now" in capsys.readouterr().err
    assert content(directory) == kept


def test_data_that_were_moved_are_the_same(own_data):
    directory = cut_short(own_data / "outputs", *overrides(own_data / "data_0"), at=1)
    moved = own_data / "moved"
    (own_data / "data_0").rename(moved)
    edit(directory, dataset__root=str(moved))
    assert resume(directory, configuration(directory)).status == "complete"
    assert open_run(directory).data.provenance.files[0].path == str(moved / "res101.mat")


def test_a_run_on_other_data_is_another_run(own_data):
    first = finished(own_data / "outputs", *overrides(own_data / "data_0"))
    config = config_of(own_data / "outputs", *overrides(own_data / "data_1"))
    assert find(config) is None
    second = finished(own_data / "outputs", *overrides(own_data / "data_1"))
    assert find(config).directory == second != first
    assert find(config_of(own_data / "outputs", *overrides(own_data / "data_0"))).directory == first
    shutil.copytree(own_data / "data_1", own_data / "copy")
    assert find(config_of(own_data / "outputs", *overrides(own_data / "copy"))).directory == second
    assert Result.load(first).metrics != Result.load(second).metrics


# What the record says decides nothing.


def test_an_existing_run_is_known_by_its_configuration(stopped, tmp_path):
    outputs = tmp_path / "outputs"
    directory = Path(shutil.copytree(stopped[0], outputs / "sgal/toy/seed-0"))
    config = config_of(outputs, *SMALL)
    assert find(config).directory == directory
    edit(directory, trainer__pretrain_steps=9)
    assert find(config) is None
    edit(directory, trainer__pretrain_steps=6, seed=3)
    assert find(config) is None
    edit(directory, seed=0)
    (directory / "result.json").write_text("{")
    assert find(config).state == "unfinished"
    (directory / "result.json").unlink()
    assert find(config).directory == directory
    (directory / "config.yaml").write_text("model: [")
    assert find(config) is None


def test_a_folder_of_runs_that_cannot_be_read_is_not_an_empty_one(stopped, tmp_path, monkeypatch):
    Path(shutil.copytree(stopped[0], tmp_path / "sgal/toy/seed-0"))
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: refuse(path) if Path(path).name == "toy" else scan(path))
    with pytest.raises(RunError, match="toy: cannot be read: Permission denied"):
        find(config_of(tmp_path, *SMALL))
