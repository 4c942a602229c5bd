"""A run goes on, and is scored again, only if it is proved to be the same: configuration, seed, data, whole files."""

import copy
import json
import os
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from tests.runs import CLOSED, SMALL, config_of, cut_short, finished
from zsl_runner import evaluate
from zsl_runner.config.check import check
from zsl_runner.config.identity import flatten, what_repeats
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.typed import plain, typed
from zsl_runner.data.synthesis import synthesize
from zsl_runner.data.toy.conf import ToyConf
from zsl_runner.errors import CheckpointError, RunError
from zsl_runner.existing import find
from zsl_runner.reopen import reopen
from zsl_runner.restore import restore
from zsl_runner.result import Result
from zsl_runner.supervision import resume
from zsl_runner.trained import open_run


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that was killed after its third checkpoint, and its configuration; not to be changed."""
    outputs = tmp_path_factory.mktemp("stopped")
    return cut_short(outputs, *SMALL), config_of(outputs, *SMALL)


@pytest.fixture
def run(stopped, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(stopped[0], tmp_path / "run"))


def saved(directory):
    return yaml.safe_load((directory / "config.yaml").read_text())


def content(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file() and path.name != ".lock"}


def configuration(directory):
    return typed(OmegaConf.create(saved(directory)))


def edit(directory, **changes):
    """Set dotted keys (with __ for the dots) in config.yaml."""
    values = OmegaConf.create(saved(directory))
    for key, value in changes.items():
        OmegaConf.update(values, key.replace("__", "."), value)
    (directory / "config.yaml").write_text(OmegaConf.to_yaml(values))


def test_an_edited_configuration_is_refused_with_both_values(run):
    edit(run, seed=7, trainer__pretrain_steps=9, trainer__optim__lr=0.5)
    before = content(run)
    with pytest.raises(CheckpointError) as caught:
        resume(run, configuration(run))
    message = str(caught.value)
    assert "seed: now 7, then 0" in message
    assert "trainer.pretrain_steps: now 9, then 6" in message
    assert "trainer.optim.lr: now 0.5, then 0.001" in message
    assert "latent_dim" not in message
    assert content(run) == before
    restore(run)
    assert resume(run, configuration(run)).status == "complete"


def test_the_same_is_refused_without_a_checkpoint(run):
    shutil.rmtree(run / "checkpoints")
    edit(run, seed=7)
    with pytest.raises(CheckpointError, match="seed: now 7, then 0"):
        resume(run, configuration(run))
    edit(run, seed=0, trainer__pretrain_steps=9)
    with pytest.raises(CheckpointError, match="the hash of all that defines it"):
        resume(run, configuration(run))


def test_harmless_keys_and_places_may_change(run):
    edit(run, tracker__log_every=3, checkpoint__every=5, evaluator__batch_size=7, name="other", outputs="elsewhere")
    assert resume(run, configuration(run)).status == "complete"


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


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_edit_of_what_defines_a_run_is_refused(stopped, data):
    directory, config = stopped
    values = copy.deepcopy(plain(config))
    key = data.draw(st.sampled_from(sorted(what_repeats(values))))
    changed = OmegaConf.create(values)
    OmegaConf.update(changed, key, other(flatten(values)[key], data.draw))
    with pytest.raises(RunError) as caught:
        reopen(directory, typed(changed), "cpu")
    assert key in str(caught.value)


def test_a_missing_record_is_made_anew(run, tmp_path):
    before = Result.load(run)
    for damage in (None, b"", b"[" * 3000, b'{"status": "comp', b"[]", b'{"status": "complete"}'):
        copied = Path(shutil.copytree(run, tmp_path / "copy", dirs_exist_ok=True))
        (copied / "result.json").unlink() if damage is None else (copied / "result.json").write_bytes(damage)
        found = reopen(copied, configuration(copied), "cpu").result
        for name in ("seed", "config_hash", "started", "command", "git", "data", "model"):
            assert json.dumps(getattr(found, name)) == json.dumps(getattr(before, name)), name
    (run / "result.json").unlink()
    result = resume(run, configuration(run))
    assert (result.status, result.started, result.command) == ("complete", before.started, before.command)
    assert Result.load(run).metrics == result.metrics != {}


def test_a_kill_between_configuration_and_record_is_no_dead_end(run):
    for name in ("result.json", "metrics.csv"):
        (run / name).unlink()
    shutil.rmtree(run / "checkpoints")
    result = resume(run, configuration(run))
    assert (result.status, result.seed, result.model) == ("complete", 0, "sgal")
    assert result.started is not None


def test_a_record_that_may_not_be_read_is_not_a_missing_one(run, monkeypatch):
    read = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda path, *a, **k: refuse(path) if path.name == "result.json" else read(path, *a, **k)
    )
    before = content(run)
    with pytest.raises(RunError, match=r"result\.json: cannot be read: Permission denied"):
        resume(run, configuration(run))
    assert content(run) == before


def refuse(path):
    raise PermissionError(13, "Permission denied", str(path))


def test_checkpoints_that_may_not_be_listed_are_not_none(run, monkeypatch):
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: refuse(path) if Path(path).name == "checkpoints" else scan(path))
    before = {path: path.stat().st_mtime_ns for path in run.iterdir()}
    with pytest.raises(CheckpointError, match="checkpoints: cannot be read: Permission denied; nothing was changed"):
        resume(run, configuration(run))
    assert {path: path.stat().st_mtime_ns for path in run.iterdir() if path.name != ".lock"} == {
        path: time for path, time in before.items() if path.name != ".lock"
    }


def test_what_killed_processes_left_is_removed_under_the_lock(run):
    for place in (run, run / "checkpoints"):
        (place / ".result.json.0a1b2c3d.tmp").write_text("half")
    (run / ".step-000000004.pt.123.tmp").write_text("half")  # as earlier versions named them
    (run / ".keep.tmp.txt").write_text("not ours")
    resume(run, configuration(run))
    assert [path.name for path in run.rglob("*.tmp*")] == [".keep.tmp.txt"]


# Runs of earlier versions: format 1 of checkpoints knows the hash of the configuration alone.


def as_format_1(directory):
    for path in (directory / "checkpoints").iterdir():
        state = torch.load(path, weights_only=True)["state"]
        content = {"format": 1, "config_hash": Result.load(directory).config_hash, "torch": str(torch.__version__)}
        torch.save(content | {"state": state}, path)


def test_a_run_of_an_earlier_version_goes_on(run, stopped, tmp_path):
    as_format_1(run)
    whole = Path(shutil.copytree(stopped[0], tmp_path / "whole"))
    assert resume(run, configuration(run)).metrics == resume(whole, configuration(whole)).metrics


@pytest.mark.parametrize(
    ("key", "message"), [("seed", "seed: now 5, then 0"), ("trainer__pretrain_steps", "the hash of all")]
)
def test_a_run_of_an_earlier_version_is_checked_as_far_as_it_tells(run, key, message):
    as_format_1(run)
    edit(run, **{key: 5})
    with pytest.raises(CheckpointError, match=message):
        resume(run, configuration(run))


def test_a_run_of_an_earlier_version_without_record_is_refused(run):
    as_format_1(run)
    (run / "result.json").unlink()
    with pytest.raises(CheckpointError, match="nobody can tell what the run was; start a new one"):
        resume(run, configuration(run))


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
    with pytest.raises(SystemExit):
        evaluate.main([str(directory)])
    assert "res101.mat: sha256 now" in capsys.readouterr().err
    assert content(directory) == kept


def test_data_that_were_moved_are_the_same(own_data):
    directory = cut_short(own_data / "outputs", *overrides(own_data / "data_0"), at=1)
    moved = own_data / "moved"
    (own_data / "data_0").rename(moved)
    edit(directory, dataset__root=str(moved))
    assert resume(directory, configuration(directory)).status == "complete"
    assert open_run(directory).data["files"][0]["path"] == str(moved / "res101.mat")


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


# Damage


INSERTED = (b"[", b"{", b'"', b"null", b"\xff", b"1e999", b"\n", b"- ", b": ")


def broken(text, draw):
    """Return bytes with some flipped, cut out or put in."""
    found = bytearray(text)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(found) - 1)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "truncate"]))
        if kind == "flip" and found:
            found[place] ^= draw(st.integers(1, 255))
        elif kind == "cut":
            del found[place : place + draw(st.integers(1, 40))]
        elif kind == "insert":
            found[place:place] = draw(
                st.sampled_from([b"[", b"{", b'"', b"null", b"\xff", b"1e999", b"\n", b"- ", b": "])
            )
        else:
            del found[place:]
    return bytes(found)


def retyped(value, draw):
    """Return nested values in which one is of another type."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: retyped(value[key], draw)}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [retyped(value[0], draw), *value[1:]]
    return draw(st.sampled_from([None, True, 3, -1.5, "text", [], [[]], {}, {"a": {}}, ["x"], 10**400]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_record_is_an_error_of_ours_or_none(stopped, tmp_path_factory, data):
    directory, _ = stopped
    text = (directory / "result.json").read_bytes()
    damaged = (
        broken(text, data.draw)
        if data.draw(st.booleans())
        else json.dumps(retyped(json.loads(text), data.draw)).encode()
    )
    folder = tmp_path_factory.getbasetemp() / "records"
    folder.mkdir(exist_ok=True)
    (folder / "result.json").write_bytes(damaged)
    try:
        result = Result.load(folder)
    except RunError:
        return
    result.save(folder)
    assert Result.load(folder) == result or "NaN" in repr(result) or "nan" in repr(result)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"- a\n- b\n",
        b"model: [1\n",
        b"\xff\xfe\x00",
        b"just a word",
        b"model: {kind: [1]}",
        b"seed: {a: 1}",
        b"dataset: {kind: [1]}",
        b"? [a, b]\n: 1\n",
        b"a: &a [*a]",
        b"[" * 3000,
        None,
    ],
)
def test_a_damaged_configuration_is_one_message_with_the_way_back(run, capsys, damage):
    before = (run / "config.yaml").read_bytes()
    (run / "config.yaml").write_bytes(before[: len(before) // 2] if damage is None else damage)
    with pytest.raises(SystemExit) as left:
        evaluate.main([str(run)])
    message = capsys.readouterr().err
    assert left.value.code == 1
    assert message.startswith("zsl-eval: ")
    assert "Traceback" not in message
    verdict = check(Loader(Source(conf_directory())), [f"resume={run}"], count_devices=lambda: 0)
    assert verdict.problems or configuration(run)
    restore(run)
    assert saved(run) == yaml.safe_load(before)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_of_a_configuration_is_refused_or_harmless(stopped, tmp_path_factory, data):
    directory, config = stopped
    folder = tmp_path_factory.getbasetemp() / "configurations"
    shutil.copytree(directory, folder, dirs_exist_ok=True)
    (folder / "config.yaml").write_bytes(broken((directory / "config.yaml").read_bytes(), data.draw))
    try:
        run = open_run(folder, "cpu")
    except RunError:
        return
    assert what_repeats(plain(run.config)) == what_repeats(plain(config))


def test_a_missing_configuration_is_written_anew(run):
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").unlink()
    with pytest.raises(CheckpointError, match=r"found none\n.*python -m zsl_runner.restore"):
        resume(run, config_of(run, *SMALL))
    restore(run)
    assert (run / "config.yaml").read_text() == text


def test_scores_are_shown_where_they_cannot_be_kept(run, capsys, monkeypatch):
    monkeypatch.setattr(Path, "mkdir", lambda path, **_: readonly(path))
    evaluate.main([str(run), "--device", "cpu"])
    shown = capsys.readouterr()
    assert "val/H" in shown.out
    assert "kept in" not in shown.out
    assert "the scores are not kept: " in shown.err
    assert "Read-only file system" in shown.err


def readonly(path):
    raise OSError(30, "Read-only file system", str(path))


def test_scores_say_on_what_data(run):
    scores = evaluate.evaluate(run, "cpu")
    evaluate.keep(run, scores)
    (file,) = (run / "evaluations").iterdir()
    assert json.loads(file.read_text())["data"]["name"] == "toy"
