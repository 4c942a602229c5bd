"""Packages of other distributions: their schemas and YAML files are found, and a broken one stops nobody."""

import json

import pytest


def test_members_of_other_distributions_are_found(zsl_run, tmp_path):
    package = tmp_path / "site"
    (package / "their_model").mkdir(parents=True)
    (package / "their_model" / "__init__.py").write_text(
        "from dataclasses import dataclass\n"
        "from typing import ClassVar\n"
        "from zsl_runner.config.fields import option\n"
        "from zsl_runner.config.schema import ModelConf\n"
        "@dataclass\n"
        "class TheirConf(ModelConf):\n"
        "    capabilities: ClassVar[frozenset[str]] = frozenset({'fit', 'class_scores'})\n"
        "    kind: str = 'theirs'\n"
        "    width: int = option(3, 'width', low=1)\n"
    )
    info = package / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zsl_runner.schemas]\ntheirs = their_model:TheirConf\n")
    (tmp_path / "own" / "model").mkdir(parents=True)
    (tmp_path / "own" / "model" / "theirs.yaml").write_text(
        "defaults:\n  - /schema/model/theirs@_here_\n  - _self_\n  - override /trainer@_global_.trainer: closed_form\n"
        "name: theirs\n"
    )
    places = [package]
    done = zsl_run("--config-dir", str(tmp_path / "own"), "task=check", "dataset=toy", "model=theirs", places=places)
    assert "model      theirs (theirs)" in done.stdout, done.stderr
    done = zsl_run("--config-dir", str(tmp_path / "own"), "dataset=toy", "model=theirs", "model.width=0", places=places)
    assert done.returncode == 2
    assert "expected 1 <= value, found 0" in done.stderr


def distribution(folder, entries, **modules):
    """Write a distribution ``theirs`` with these entry points; return the places where it is found."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    info = folder / "theirs-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries)
    return [folder]


THEIRS = """from dataclasses import dataclass
from zsl_runner.config.fields import option
from zsl_runner.config.schema import ModelConf
@dataclass
class TheirConf(ModelConf):
    kind: str = option("theirs", "kind")
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("from zsl_runner.trainers.base import Trainer\n", "No module named 'zsl_runner.trainers.base'"),
        ("raise RuntimeError('two\\nlines')\n", "two;"),
        pytest.param("def broken(:\n", "invalid syntax", marks=pytest.mark.slow),
        pytest.param("TheirConf = 3\n", "expected a subclass of ModelConf", marks=pytest.mark.slow),
        (THEIRS.replace("@dataclass", ""), "TheirConf lacks @dataclass"),
        pytest.param(THEIRS.replace("kind: str", "kin: str"), "TheirConf declares no kind", marks=pytest.mark.slow),
        (f"{THEIRS}    needs = 'features'\n", "TheirConf.needs: expected a frozenset of words, found a text"),
        ("", "has no attribute 'TheirConf'"),
    ],
)
def test_a_broken_package_is_one_line_and_everything_else_goes_on(zsl_run, tmp_path, text, reason):
    (tmp_path / "site").mkdir()
    places = distribution(tmp_path / "site", "[zsl_runner.schemas]\ntheirs = their_old:TheirConf\n", their_old=text)
    done = zsl_run("task=check", "dataset=toy", places=places)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("theirs: its entry point theirs = their_old:TheirConf (zsl_runner.schemas) is left out: ")
    assert reason in line
    assert "docs/guides/own_model.md" in line


def test_a_package_ships_its_yaml_files(zsl_run, tmp_path):
    folder = tmp_path / "site" / "their_package" / "conf" / "model"
    folder.mkdir(parents=True)
    (folder / "narrow.yaml").write_text("defaults: [vzsl, _self_]\nname: narrow\nlatent_dim: 3\n")
    (folder.parents[1] / "__init__.py").write_text("")
    places = distribution(tmp_path / "site", "[zsl_runner.conf]\ntheirs = their_package.conf\n")
    done = zsl_run("task=check", "dataset=toy", "model=narrow", places=places)
    assert (done.returncode, done.stderr) == (0, "")
    assert "model      narrow (vzsl)" in done.stdout
    shown = ("--cfg", "job", "--package", "model", "dataset=toy", "model=narrow")
    done = zsl_run(*shown, places=places)
    assert "name: narrow\n" in done.stdout, done.stderr
    assert "latent_dim: 3\n" in done.stdout
    own = tmp_path / "own" / "model"
    own.mkdir(parents=True)
    (own / "narrow.yaml").write_text("defaults: [vzsl, _self_]\nname: narrow\nlatent_dim: 5\n")
    done = zsl_run("--config-dir", str(own.parent), *shown, places=places)
    assert "latent_dim: 5\n" in done.stdout, done.stderr  # the user's own file comes first, as in a run
    done = zsl_run("--explain", "model.latent_dim", "model=narrow", "--config-dir", str(own.parent), places=places)
    assert "in force  5 " in done.stdout, done.stderr
    done = zsl_run("task=check", "dataset=toy", "model=narow", places=places)
    assert "narrow" in done.stderr.partition("did you mean")[2]


def test_a_package_without_the_folder_it_names(zsl_run, tmp_path):
    places = distribution(tmp_path / "site", "[zsl_runner.conf]\ntheirs = no_such_package.conf\n")
    done = zsl_run("task=check", "dataset=toy", places=places)
    assert done.returncode == 0
    assert "theirs: its entry point theirs = no_such_package.conf (zsl_runner.conf) is left out" in done.stderr


def test_a_file_goes_on_from_one_of_another_kind(zsl_run, tmp_path):
    """Its values win over the defaults of the schema named after it: where shown, checked and composed for a sweep."""
    folder = tmp_path / "site" / "their_package" / "conf" / "evaluator"
    folder.mkdir(parents=True)
    (folder / "theirs.yaml").write_text(
        "defaults:\n  - zsl\n  - /schema/evaluator/theirs@_here_\n  - _self_\nkind: theirs\nname: theirs\nrows: 4\n"
    )
    (folder.parents[1] / "__init__.py").write_text("")
    places = distribution(
        tmp_path / "site",
        "[zsl_runner.schemas]\ntheirs = their_evaluator:TheirConf\n\n[zsl_runner.conf]\ntheirs = their_package.conf\n",
        their_evaluator="from dataclasses import dataclass\n"
        "from zsl_runner.config.fields import option\n"
        "from zsl_runner.evaluation.zsl.conf import ZeroShotEvaluatorConf\n"
        "@dataclass\n"
        "class TheirConf(ZeroShotEvaluatorConf):\n"
        "    kind: str = option('theirs', 'kind')\n"
        "    rows: int = option(3, 'rows')\n",
    )
    arguments = ("model=eszsl", "dataset=toy", "evaluator=theirs")
    done = zsl_run("--cfg", "job", "--package", "evaluator", *arguments, places=places)
    assert "calibration: val\n" in done.stdout, done.stderr  # of conf/evaluator/zsl.yaml; the schema's default is none
    assert "rows: 4\n" in done.stdout
    done = zsl_run("-m", *arguments, "seed=0", "tracker=minimal", places=places)
    assert done.returncode == 0, done.stderr
    (record,) = (tmp_path / "elsewhere" / "outputs").glob("eszsl/toy/*/result.json")
    assert "test/H_cal" in json.loads(record.read_text())["metrics"]
