"""Implementations found by name: what they take is what they are called with."""

import pytest

from zsl_runner.config import registry
from zsl_runner.config.schema import GROUPS
from zsl_runner.errors import ConfigError


@pytest.mark.parametrize("group", GROUPS)
def test_every_implementation_of_ours_takes_what_its_base_classes_take(group):
    for schema in registry.schemas(group).values():
        assert registry.resolve(schema.implementation) is not None


class Base:
    def score(self, rows, classes, offset=0.0):
        return rows

    def name(self):
        return ""


Base.__module__ = "zsl_runner.somewhere"


class Fits(Base):
    def score(self, x, *others):
        return x


class Less(Base):
    def score(self, rows, classes):
        return rows


def test_a_method_with_other_arguments_than_its_base_class_is_refused():
    place = f"{__name__}:"
    assert registry.resolve(f"{place}Fits") is Fits
    told = r"Less: score\(self, rows, classes\) is called as Base.score\(self, rows, classes, offset\): too many"
    with pytest.raises(ConfigError, match=told):
        registry.resolve(f"{place}Less")


def make(conf, shape):
    return conf, shape


def test_what_is_built_with_other_arguments_than_it_takes_is_refused_with_their_types():
    place = f"{__name__}:make"
    assert registry.built(place, 1, "a") == (1, "a")
    with pytest.raises(ConfigError, match=r"make is called with \(int, str, list\), which it does not take: too many"):
        registry.built(place, 1, "a", [])


def test_a_module_that_is_no_python_is_named_with_its_line(tmp_path, monkeypatch):
    (tmp_path / "broken_module.py").write_text("x = 1\ndef two words():\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=r"broken_module:Model cannot be imported: .*broken_module.py, line 2"):
        registry.resolve("broken_module:Model")
