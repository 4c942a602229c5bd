"""Every setting of Hydra's own is obeyed, or refused with what to use instead."""

from dataclasses import fields, is_dataclass

import pytest
from hydra.conf import HydraConf

from zsl_runner.config.hydra_settings import OBEYED, REFUSED, remedy_for


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
    from zsl_runner.config.command import read

    assert read(overrides).several is several
