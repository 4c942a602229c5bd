"""From a name in ``conf/dataset`` and overrides to the typed configuration of one data set, for `zsl-data`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from zsl_runner.config import fit
from zsl_runner.config.compose import compose
from zsl_runner.config.draft import Draft
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import DatasetConf
from zsl_runner.config.store import register
from zsl_runner.errors import ConfigError, DataError
from zsl_runner.files.folders import expanded


def data_sets() -> list[str]:
    """Return the names in ``conf/dataset``."""
    return _loader().options("dataset")


def chosen(name: str, overrides: Sequence[str] = (), *, with_files: bool = True) -> DatasetConf:
    """Return the configuration of a data set.

    Args:
        name: a name in ``conf/dataset``.
        overrides: ``key=value`` with or without the leading ``dataset.``.
        with_files: also check that its files are there.

    Raises:
        ConfigError: an unknown name or key, a value out of range, a folder or file in the overrides that is not there;
            all problems together.
        DataError: its files are missing or have another checksum than the one configured.
    """
    arguments = [f"dataset={name}", *(below_dataset(override) for override in overrides)]
    composition = compose(_loader(), arguments)
    draft = Draft(composition)
    fit.check_components(draft)
    problems = [*composition.problems, *draft.problems]
    if problems:
        raise ConfigError(_listed(problems))
    if with_files:
        fit.check_files(draft)
    conf = draft.build("dataset")
    assert isinstance(conf, DatasetConf)
    if draft.problems:
        lost = any(_is_lost(draft, conf, problem.key) for problem in draft.problems)
        raise (ConfigError if lost else DataError)(_listed(draft.problems))
    return conf


def missing_files(conf: DatasetConf) -> list[str]:
    """Return the paths of the files that the data set needs and that are not there."""
    return [file.path for file in conf.required_files() if not Path(file.path).is_file()]


@cache
def _loader() -> Loader:
    register()
    return Loader(Source(conf_directory()))


def below_dataset(override: str) -> str:
    """Return an override of a data set's option as `zsl-run` takes it."""
    return override if override.lstrip("+~").startswith("dataset.") else f"dataset.{override}"


def _is_lost(draft: Draft, conf: DatasetConf, key: str) -> bool:
    """Tell whether an override names a folder or file that is not there."""
    value = getattr(conf, key.removeprefix("dataset."), None)
    return draft.origin(key).override is not None and isinstance(value, str) and not expanded(value).exists()


def _listed(problems: Sequence[Problem]) -> str:
    lines = []
    for problem in dict.fromkeys(problems):
        where = f"  ({problem.origin})" if problem.origin else ""
        lines.append(f"{problem.key}{where}\n    " + problem.message.strip().replace("\n", "\n    "))
    return "\n  ".join(lines)
