"""Whatever happens to the files of a run, a message says so, and nothing else comes of it than what was saved."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.loaded import ours
from tests.small_runs import SMALL, config_of, configuration, saved
from zsl_runner.config.check import check
from zsl_runner.config.hashes import what_repeats
from zsl_runner.config.typed import plain
from zsl_runner.errors import CheckpointError, RunError
from zsl_runner.evaluate.cli import main
from zsl_runner.evaluate.scores import evaluate, keep
from zsl_runner.runs.attempt import resume
from zsl_runner.runs.opened import open_run
from zsl_runner.runs.restore import restore
from zsl_runner.runs.result import Result

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
            found[place:place] = draw(st.sampled_from(INSERTED))
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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
def test_a_damaged_configuration_is_one_message_with_the_way_back(stopped_run, capsys, damage):
    before = (stopped_run / "config.yaml").read_bytes()
    (stopped_run / "config.yaml").write_bytes(before[: len(before) // 2] if damage is None else damage)
    assert main([str(stopped_run)]) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"zsl-eval: {stopped_run / 'config.yaml'}")
    assert f"python -m zsl_runner.runs.restore {stopped_run}" in message
    assert "Traceback" not in message
    verdict = check(ours(), [f"resume={stopped_run}"], count_devices=lambda: 0)
    assert verdict.problems or configuration(stopped_run)
    restore(stopped_run)
    assert saved(stopped_run) == yaml.safe_load(before)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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


def test_a_missing_configuration_is_written_anew(stopped_run):
    text = (stopped_run / "config.yaml").read_text()
    (stopped_run / "config.yaml").unlink()
    with pytest.raises(CheckpointError, match=r"found none\n.*python -m zsl_runner.runs.restore"):
        resume(stopped_run, config_of(stopped_run, *SMALL))
    restore(stopped_run)
    assert (stopped_run / "config.yaml").read_text() == text


def test_scores_are_shown_where_they_cannot_be_kept(stopped_run, capsys, monkeypatch):
    monkeypatch.setattr(Path, "mkdir", lambda path, **_: readonly(path))
    main([str(stopped_run), "--device", "cpu"])
    shown = capsys.readouterr()
    assert "val/H" in shown.out
    assert "kept in" not in shown.out
    assert "the scores are not kept: " in shown.err
    assert "Read-only file system" in shown.err


def readonly(path):
    raise OSError(30, "Read-only file system", str(path))


def test_scores_say_on_what_data(stopped_run):
    (scores,) = evaluate(stopped_run, "cpu")
    keep(stopped_run, scores)
    (file,) = (stopped_run / "evaluations").iterdir()
    assert json.loads(file.read_text())["data"]["name"] == "toy"
