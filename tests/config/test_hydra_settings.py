"""Every setting of Hydra's own is obeyed, or refused with what to use instead."""

from dataclasses import fields, is_dataclass

import hydra
import pytest
from hydra.conf import HydraConf

from zsl_runner.config.check import check
from zsl_runner.config.command import read
from zsl_runner.config.hydra_settings import OBEYED, REFUSED, remedy_for
from zsl_runner.config.loader import Loader
from zsl_runner.config.paths import conf_directory


def keys(schema, prefix):
    for field in fields(schema):
        kind = field.default_factory if isinstance(field.default_factory, type) else None
        if kind is not None and is_dataclass(kind):
            yield from keys(kind, f"{prefix}.{field.name}")
        else:
            yield f"{prefix}.{field.name}"


def test_no_setting_is_forgotten_and_none_is_both():
    known = list(keys(HydraConf, "hydra"))
    assert len(known) > 30
    for key in known:
        obeyed = any(key == place or key.startswith(f"{place}.") for place in OBEYED)
        assert obeyed != (remedy_for(key) is not None), key


HYDRA_1_3 = hydra.__version__.startswith("1.3.")
VALUES = {"hydra.job.chdir": "true", "hydra.job.num": "3", "hydra.defaults": "[a]", "hydra.env": "x"}


@pytest.mark.parametrize("key", [key for key in keys(HydraConf, "hydra") if remedy_for(key)])
@pytest.mark.parametrize("sign", ["", "++"])
def test_what_is_not_obeyed_is_refused(problems, key, sign):
    found = problems("dataset=toy", f"{sign}{key}={VALUES.get(key, 'x')}")
    assert remedy_for(key) in found[key][0]


@pytest.mark.parametrize("argument", ["hydra.job.chdir=false", "hydra.output_subdir=null", "hydra.verbose=true"])
def test_what_changes_nothing_or_works_is_taken(problems, argument):
    assert problems("dataset=toy", argument, strictly=True) == {}


def test_a_file_cannot_set_it_either(problems, tmp_path):
    folder = tmp_path / "own" / "experiment"
    folder.mkdir(parents=True)
    (folder / "scatter.yaml").write_text("# @package _global_\nhydra:\n  run:\n    dir: X\n  job:\n    chdir: true\n")
    found = problems("dataset=toy", "experiment=scatter", extra=tmp_path / "own", strictly=True)
    assert set(found) == {"hydra.run.dir", "hydra.job.chdir"}
    assert REFUSED["hydra.run"] in found["hydra.run.dir"][0]


@pytest.mark.parametrize("argument", ["hydra/launcher=basic", "hydra.sweep.dir=x", "hydra.sweeper.max_batch_size=2"])
def test_what_only_a_sweep_obeys_is_refused_on_a_single_run(problems, loader, tmp_path, argument):
    key = argument.partition("=")[0]
    assert "it belongs to a sweep, and this is a single run; add -m" in problems("dataset=toy", argument)[key][0]
    assert check(loader, ["dataset=toy", f"outputs={tmp_path}", argument], alone=False).problems == ()


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("hydra.job.env_copy=[NO_SUCH_VARIABLE]", "there is no environment variable 'NO_SUCH_VARIABLE'"),
        ("hydra.sweeper.params.seed=1", "below a key that holds nothing" if HYDRA_1_3 else "is None"),
        ("++hydra.sweeper.params={seed: 1}", "below a key that holds nothing" if HYDRA_1_3 else None),
    ],
)
def test_what_hydra_itself_stumbles_over_is_told(loader, tmp_path, argument, words):
    found = check(loader, ["dataset=toy", f"outputs={tmp_path}", argument], alone=False).problems
    assert [words in problem.message for problem in found] == ([True] if words else [])
    loader.sweep_settings(["dataset=toy", argument])  # and this says nothing


@pytest.mark.parametrize(
    ("hydra", "key"),
    [
        ("", None),
        ("hydra:\n  run:\n    dir: X\n", "hydra.run.dir"),
        ("hydra: {output_subdir: .hydra}\n", "hydra.output_subdir"),
        ("hydra:\n  sweep:\n    dir: X\n", None),
    ],
)
def test_a_primary_file_of_the_users_is_judged_by_what_it_sets(tmp_path, hydra, key):
    groups = "".join(f"  - {group}\n" for group in ("dataset: toy", "trainer: em", "evaluator: zsl", "model: sgal"))
    (tmp_path / "own.yaml").write_text(f"defaults:\n  - /schema/run@_here_\n{groups}  - _self_\n{hydra}")
    for group in ("dataset", "trainer", "evaluator", "model"):
        (tmp_path / group).symlink_to(conf_directory() / group)
    command = read(["--config-path", str(tmp_path), "--config-name", "own"])
    loader = Loader(command.source)
    found = check(loader, [f"outputs={tmp_path}/o"], settings=command.settings()).problems
    assert [problem.key for problem in found] == ([key] if key else [])
    folder = loader.sweep_settings([*command.settings(), "outputs=there"]).sweep.dir
    assert folder == "X" if "sweep" in hydra else folder.startswith("there/.sweeps/")


@pytest.mark.parametrize(
    ("overrides", "several"),
    [
        (["hydra.mode=MULTIRUN"], True),
        (["++hydra.mode=MULTIRUN"], True),
        (["hydra.mode=MULTIRUN", "hydra.mode=RUN"], False),
        (["sweep=tpe", "sweep=null"], False),
    ],
)
def test_the_last_word_on_the_mode_counts(overrides, several):
    assert read(overrides).several is several
