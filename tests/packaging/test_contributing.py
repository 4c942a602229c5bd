"""The examples of CONTRIBUTING.md work: its files are written into a copy of the package and run."""

import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.packaging.distributions import REPOSITORY
from tests.results import recorded

FILE = re.compile(r"^```(?:python|yaml) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """Return a copy of the package with the files of the page, and what runs Python in it."""
    tree = tmp_path_factory.mktemp("extended")
    for folder in ("zsl_runner", "conf", "tests/models"):
        shutil.copytree(REPOSITORY / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("tests/conftest.py", "tests/loaded.py", "tests/weights.py", "tests/zero_shot.py", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, tree / name)
    files = FILE.findall(PAGE)
    for name, text in files:
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert not path.exists(), f"{name}: a new part changes no existing file"
        path.write_text(text, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}

    def run(*arguments):
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return SimpleNamespace(tree=tree, run=run, files=[name for name, _ in files])


def metrics(directory):
    result = recorded(directory)
    assert result["status"] == "complete"
    return result["metrics"]


def test_the_page_shows_every_kind_of_part(extended):
    kinds = {tuple(name.split("/")[:2]) for name in extended.files}
    groups = {"dataset": "data", "model": "models", "trainer": "trainers", "evaluator": "evaluation"}
    assert {("conf", group) for group in (*groups, "experiment")} <= kinds
    assert {("zsl_runner", package) for package in groups.values()} <= kinds


def test_the_example_model_data_set_and_evaluator_run(extended):
    extended.run("-m", "zsl_runner.train", "model=correlation", "dataset=grid", "evaluator=top_k", "name=first")
    found = metrics(extended.tree / "outputs" / "correlation" / "grid" / "first")
    assert found.keys() == {"test/top_k"}
    assert found["test/top_k"] > 75  # chance is 50


def test_the_example_trainer_runs_as_an_experiment(extended):
    extended.run("-m", "zsl_runner.train", "experiment=sgal/grid", "name=first", "tracker.figures=false")
    directory = extended.tree / "outputs" / "sgal" / "grid" / "first"
    assert metrics(directory)["test/T1"] > 40  # chance is 25
    assert ",train/settled/loss," in (directory / "metrics.csv").read_text()


@pytest.mark.slow
def test_the_example_model_fulfils_the_contract(extended):
    printed = extended.run("-m", "pytest", "tests/models/test_correlation.py", "-p", "no:cacheprovider", "-rA")
    assert "PASSED tests/models/test_correlation.py::TestCorrelationContract::test_state_round_trip" in printed


def test_the_page_of_all_options_takes_them_in(extended):
    page = extended.tree / "configuration.md"
    extended.run("-m", "zsl_runner.config.document", page)
    assert "### `trainer` of kind `settled_prior`" in page.read_text(encoding="utf-8")


def test_the_examples_follow_the_house_style(extended):
    pytest.importorskip("ruff", reason="needs ruff (extra dev)")
    names = [name for name in extended.files if name.endswith(".py")]
    extended.run("-m", "ruff", "check", "--no-cache", *names)
    extended.run("-m", "ruff", "format", "--check", "--no-cache", *names)
