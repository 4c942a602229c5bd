"""`zsl-data prepare`: reads a data set once, checks it, and leaves a copy that loads in a moment."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from zsl_runner.config.schema import DatasetConf
from zsl_runner.data.digit_canvas.conf import DigitCanvasConf
from zsl_runner.data.load import load
from zsl_runner.data.xlsa17.cache import cache_path, load_features
from zsl_runner.data.xlsa17.conf import XLSA17Conf
from zsl_runner.errors import DataError


def prepare(option: str, conf: DatasetConf) -> Iterable[str]:
    """Load the data set, which writes its cache, and yield what was done, line by line.

    Args:
        option: its name in ``conf/dataset``.
        conf: its configuration.

    Raises:
        DataError: the data are damaged or inconsistent, or the cache cannot be written.
    """
    started = time.perf_counter()
    records = load(conf)
    cold = time.perf_counter() - started
    yield f"{conf.name}: {records.sizes()}; all checks passed"
    if isinstance(conf, DigitCanvasConf) and conf.cache is not None:
        started = time.perf_counter()
        load(conf)
        warm = time.perf_counter() - started
        yield f"  made in {cold:.2f} s; the cache in {conf.cache_folder()} loads in {warm:.2f} s"
        return
    if not isinstance(conf, XLSA17Conf):
        yield f"  nothing to prepare: it is read directly, in {cold:.2f} s"
        return
    folder = conf.cache_folder()
    if folder is None:
        raise DataError("dataset.cache: expected a folder for the cache, found null; leave it out or give --cache DIR")
    source = conf.file(conf.features_file)
    started = time.perf_counter()
    if not load_features(source, folder).from_cache:
        raise DataError(
            f"{cache_path(source, folder)}: the cache could not be written; choose another with --cache DIR"
        )
    yield f"  cache {cache_path(source, folder)}"
    yield f"  read and checked in {cold:.2f} s; the cache loads in {time.perf_counter() - started:.2f} s"
    root = Path(conf.root).expanduser().resolve()
    elsewhere = "" if conf.cache == "auto" else f" dataset.cache={folder.resolve()}"
    yield f"  run with zsl-run dataset={option} dataset.root={root}{elsewhere}"
