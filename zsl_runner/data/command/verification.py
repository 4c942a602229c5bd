"""`zsl-data verify`: reads the files themselves, never a cache, and says what they are and whether they are sound."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from zsl_runner.config.schema import DatasetConf
from zsl_runner.data.load import load
from zsl_runner.data.records import SourceFile
from zsl_runner.data.sources.known_files import KNOWN_FILES
from zsl_runner.files.checksums import reading_all


def verify(option: str, conf: DatasetConf) -> Iterable[str]:
    """Yield a report on the data set ``option`` of ``conf/dataset``, line by line.

    Raises:
        DataError: the files are damaged, inconsistent or not what the configuration expects.
    """
    with reading_all():
        records = load(without_copy(conf))
    source = records.provenance
    yield f"{option} ({conf.kind})"
    yield from _file_table(source.files)
    yield f"  features   {source.feature_kind}"
    yield f"  split      {source.split_version}"
    yield f"  sizes      {records.sizes()}"
    for label, fact in records.facts():
        yield f"  {label:<10} {fact}{_expectation(conf, label)}"
    for label, text in source.remarks():
        yield f"  {label:<10} {text}"
    yield f"  invariants hold: {records.INVARIANTS}"


def _file_table(files: Sequence[SourceFile]) -> Iterable[str]:
    for file in files:
        known = KNOWN_FILES.get(file.sha256)
        path = Path(file.path)
        size = f", {path.stat().st_size:,} bytes" if path.is_file() else ""
        yield f"  file       {file.path}{size}"
        yield f"             sha256 {file.sha256}"
        if path.is_file():
            yield f"             {'known: ' + known.description if known else 'not known by its checksum'}"


def without_copy(conf: DatasetConf) -> DatasetConf:
    """Return a configuration under which loading reads the files themselves."""
    if not conf.kept_copy:
        return conf
    changes: dict[str, Any] = {"cache": None}
    return dataclasses.replace(conf, **changes)


def _expectation(conf: DatasetConf, label: str) -> str:
    demands = conf.expectations()
    if label not in demands:
        return ""
    return " (no expectation configured)" if demands[label] is None else " (as expected)"
