"""What loading a data set costs beside reading its bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import scipy.io

from scripts.benchmark.timing import Cost, Effort, Finding, cost_of, interleaved
from zsl_runner.data.load import load
from zsl_runner.data.sources.xlsa17.cache import cache_path
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf


def load_findings(name: str, conf: XLSA17Conf, effort: Effort, folder: Path) -> list[Finding]:
    """Compare loading without a cache, loading that writes one, and loading from it with the bare reads.

    All files are in the system's page cache, for candidate and reference alike.

    Args:
        name: of the data set, for the report.
        conf: its configuration.
        effort: how long to measure.
        folder: an empty folder for caches.
    """
    features, splits = conf.file(conf.features_file), conf.file(conf.splits_file)
    without, cached = replace(conf, cache=None), replace(conf, cache=str(folder / "cache"))
    copy = cache_path(features, folder / "cache")

    def parse() -> Cost:
        return cost_of(lambda: [scipy.io.loadmat(path) for path in (features, splits)])

    def first() -> Cost:
        copy.unlink(missing_ok=True)
        return cost_of(lambda: load(cached))

    loads = [lambda: cost_of(lambda: load(without)), first]
    plain, writing = (interleaved(effort.repeats, candidate, parse)[0] for candidate in loads)
    (warm,) = interleaved(effort.repeats, lambda: cost_of(lambda: load(cached)), lambda: cost_of(copy.read_bytes))
    parsing, reading = "scipy.io.loadmat of both files", "reading the cache file's bytes"
    size = {"features file": f"{features.stat().st_size / 2**20:.1f} MiB"}
    facts = {"cache": f"{copy.stat().st_size / 2**20:.1f} MiB"}
    return [
        Finding("load", f"{name}: without a cache", parsing, plain, facts=size),
        Finding("load", f"{name}: first load, which writes the cache", parsing, writing),
        Finding("load", f"{name}: from the cache", reading, warm, facts=facts),
    ]
