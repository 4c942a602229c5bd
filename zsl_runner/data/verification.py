"""`zsl-data verify`: reads the files themselves, never a cache, and says what they are and whether they are sound."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from zsl_runner.config.schema import DatasetConf
from zsl_runner.data.known_files import KNOWN_FILES
from zsl_runner.data.load import load
from zsl_runner.data.records import SourceFile, ZeroShotRecords
from zsl_runner.data.xlsa17.conf import XLSA17Conf


def verify(option: str, conf: DatasetConf) -> Iterable[str]:
    """Yield a report on the data set ``option`` of ``conf/dataset``, line by line.

    Raises:
        DataError: the files are damaged, inconsistent or not what the configuration expects.
    """
    records = load(dataclasses.replace(conf, cache=None) if isinstance(conf, XLSA17Conf) else conf)
    source = records.provenance
    yield f"{option} ({conf.kind})"
    yield from _file_table(source.files)
    yield f"  features   {source.feature_kind}"
    yield f"  vectors    {source.semantics}"
    yield f"  split      {source.split_version}"
    yield f"  classes    {_classes(records)}{_expectation(conf, 'expected_classes')}"
    yield f"  rows       {_rows(records)}{_expectation(conf, 'expected_rows')}"
    for note in source.notes:
        yield f"  note       {note}"
    yield "  invariants hold: splits disjoint and in range, labels fit classes, seen and unseen disjoint, all finite"


def _file_table(files: Sequence[SourceFile]) -> Iterable[str]:
    for file in files:
        known = KNOWN_FILES.get(file.sha256)
        path = Path(file.path)
        size = f", {path.stat().st_size:,} bytes" if path.is_file() else ""
        yield f"  file       {file.path}{size}"
        yield f"             sha256 {file.sha256}"
        if path.is_file():
            yield f"             {'known: ' + known.description if known else 'not known by its checksum'}"


def _classes(records: ZeroShotRecords) -> str:
    seen, validation = len(records.seen_classes), len(records.validation_classes)
    return f"{seen} seen ({validation} of them for validation), {len(records.unseen_classes)} unseen"


def _rows(records: ZeroShotRecords) -> str:
    return (
        f"{len(records.trainval):,} trainval, {len(records.test_seen):,} test_seen, "
        f"{len(records.test_unseen):,} test_unseen"
    )


def _expectation(conf: DatasetConf, key: str) -> str:
    if not isinstance(conf, XLSA17Conf):
        return ""
    return " (no expectation configured)" if getattr(conf, key) is None else " (as expected)"
