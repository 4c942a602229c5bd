"""`zsl-data prepare`: reads a data set once, checks it, and leaves a copy that loads in a moment.

Which data sets keep a copy, and where, their configurations declare (``kept_copy``); nothing here knows any of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from zsl_runner.config.places import require_folder
from zsl_runner.config.quoting import line, setting
from zsl_runner.config.registry import resolve
from zsl_runner.config.schema import DatasetConf
from zsl_runner.data.command.chosen import below_dataset
from zsl_runner.data.load import load
from zsl_runner.data.sources.kept_copies import required
from zsl_runner.errors import ConfigError, DataError
from zsl_runner.files.folders import KeptCopy, expanded


def prepare(option: str, conf: DatasetConf, overrides: Sequence[str] = ()) -> Iterable[str]:
    """Load the data set, which writes its cache, and yield what was done, line by line.

    Args:
        option: its name in ``conf/dataset``.
        conf: its configuration.
        overrides: the options that were given, without which a run would read other data.

    Raises:
        ConfigError: the options leave no place for the cache, or one that cannot be.
        DataError: the data are damaged or inconsistent, or the cache cannot be written.
    """
    kept_copy: Callable[[DatasetConf], KeptCopy] | None = resolve(conf.kept_copy) if conf.kept_copy else None
    cache = None if kept_copy is None else _place_of(kept_copy(conf))
    started = time.perf_counter()
    with required():
        records = load(conf)
    cold = time.perf_counter() - started
    yield f"{conf.name}: {records.sizes()}; all checks passed"
    if kept_copy is None or cache is None:
        yield f"  nothing to prepare: it is read directly, in {cold:.2f} s"
        return
    if not kept_copy(conf).usable:
        raise DataError(f"{cache}: the cache could not be written; make room, or choose another with --cache DIR")
    started = time.perf_counter()
    load(conf)
    yield f"  cache {cache}"
    yield f"  read and checked in {cold:.2f} s; from the cache in {time.perf_counter() - started:.2f} s"
    places = list(_places(conf, cache))
    keys = {place.partition("=")[0] for place in places}
    given = [text for text in map(below_dataset, overrides) if text.partition("=")[0] not in keys]
    yield f"  run with {line('zsl-run', f'dataset={option}', *given, *places)}"


def _place_of(copy: KeptCopy) -> Path:
    """Return where the copy is or can be written."""
    if copy.path is None:
        raise ConfigError(
            "dataset.cache: expected a folder for the cache, found null; leave it out or give --cache DIR"
        )
    if not copy.usable:
        require_folder(copy.path.parent, "--cache")
    return copy.path


def _places(conf: DatasetConf, cache: Path) -> Iterable[str]:
    """Yield the overrides that lead a run to the same files and the same cache, whatever its environment says."""
    for key in dict.fromkeys(file.key for file in conf.required_files()):
        yield setting(f"dataset.{key}", str(expanded(getattr(conf, key)).resolve()))
    if getattr(conf, "cache", "auto") != "auto":
        yield setting("dataset.cache", str(cache.parent.resolve()))
