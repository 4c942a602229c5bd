"""A home in a path: ``~`` and ``~user`` are expanded in one way, and a user who is not known here is no traceback."""

import os
import re
from pathlib import Path

import pytest

import zsl_runner
from zsl_runner.config.quoting import setting
from zsl_runner.data.command.chosen import chosen
from zsl_runner.errors import ConfigError, DataError
from zsl_runner.files.folders import chosen_cache_folder, default_cache_folder, expanded, unknown_home

NOBODY = "~no-such-user/data"


def test_homes_are_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/homes/me")
    assert expanded("~/data") == Path("/homes/me/data")
    assert expanded("./~/data") == Path("~/data")
    assert expanded(NOBODY) == Path(NOBODY)


def test_nothing_expands_homes_otherwise():
    """`pathlib.Path.expanduser` and `pathlib.Path.home` raise RuntimeError where a home is not known."""
    for file in Path(zsl_runner.__file__).parent.rglob("*.py"):
        assert not re.search(r"\)\.expanduser\(|\bPath\.home\(", file.read_text()), file


@pytest.mark.parametrize(
    "name",
    [
        *("sun", "xlsa17", "synthetic", "mnist", "dsprites"),
        *("image_folder", "tagged_folder", "image_classes", "unlabelled_images"),
    ],
)
def test_data_of_an_unknown_user_are_not_there(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ConfigError, DataError)) as refused:
        chosen(name, [setting("root", NOBODY)])
    assert "dataset.root" in str(refused.value)
    assert NOBODY in str(refused.value)
    assert "not there" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["sun", "digit_canvas"])
def test_a_cache_of_an_unknown_user_is_refused(name, monkeypatch):
    with pytest.raises(ConfigError, match=r"dataset\.cache.*\s+found ~no-such-user/data, but no home of that user"):
        chosen(name, [setting("cache", NOBODY)], with_files=False)
    monkeypatch.setenv("ZSL_CACHE", NOBODY)
    with pytest.raises(ConfigError, match=r"dataset\.cache.*\s+ZSL_CACHE is ~no-such-user/data"):
        chosen(name, with_files=False)
    assert chosen(name, ["cache=null"], with_files=False).cache is None


def test_a_folder_whose_name_begins_with_a_tilde_may_hold_the_cache():
    assert unknown_home(f"./{NOBODY}") is None
    assert chosen_cache_folder(f"./{NOBODY}") == Path(NOBODY)


def test_without_a_home_no_copy_is_kept(monkeypatch):
    for name in ("ZSL_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert default_cache_folder() is None
    assert chosen_cache_folder("auto") is None
    assert unknown_home("auto") is None


def test_a_run_of_an_unknown_user_is_not_there(problems):
    assert "no such run directory" in problems(setting("resume", NOBODY))["resume"][0]


def test_the_command_says_so_without_a_traceback(zsl_run):
    done = zsl_run("dataset=sun", setting("dataset.root", NOBODY), ZSL_CACHE=NOBODY)
    assert done.returncode == 2
    assert f"{NOBODY}/res101.mat" in done.stderr
    assert f"ZSL_CACHE is {NOBODY}" in done.stderr
    assert "Traceback" not in done.stderr
