"""``zsl-report --diff RUN RUN``: what two runs were told differently, and what they measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zsl_runner.config.paths import shown
from zsl_runner.config.quantities import Quantity, quantity_of, title
from zsl_runner.config.quoting import written
from zsl_runner.errors import ConfigError, RunError
from zsl_runner.report.collect import FoundRun, collect
from zsl_runner.report.groups import BLOCK, TRAITS, block_of, metric_of
from zsl_runner.report.text import in_markdown
from zsl_runner.report.values import meaning
from zsl_runner.runs.result import tree_of
from zsl_runner.tracking.progress import duration

UNTOLD = ("name", "outputs", "existing", "resume", "task")
"""Keys that name and place a run, and say nothing of what it is."""
ABSENT = "-"
NAMES = ("first", "second")


@dataclass(frozen=True)
class Part:
    """A table of the comparison.

    Attributes:
        title: what it compares.
        header: names of its columns.
        rows: plain cells.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Attributes:
        intro: which runs these are, in a line each, and what keeps their metrics from being compared.
        parts: settings, data and program as far as they differ; metrics and cost.
    """

    intro: tuple[str, ...]
    parts: tuple[Part, ...]


def compared(first: Path, second: Path) -> Comparison:
    """Compare two runs.

    Raises:
        ConfigError: a folder is no run.
        RunError: its record cannot be read.
    """
    runs = (_run(first), _run(second))
    names = [
        f"{name}: {run.result.model} on {run.result.dataset}, {run.state}: {shown(run.directory)}"
        for name, run in zip(NAMES, runs, strict=True)
    ]
    other = [name for name, one, two in zip(BLOCK, *map(block_of, runs), strict=True) if one != two]
    warning = [f"not comparable: the runs differ in {', '.join(other)}"] if other else []
    settings = _differing(*({k: v for k, v in run.config.items() if k not in UNTOLD} for run in runs))
    facts = _differing(*map(_facts, runs))
    parts = (
        Part("Settings that differ", ("setting", *NAMES), settings or (("none", "", ""),)),
        Part("Data and program that differ", ("what", *NAMES), facts),
        Part("Metrics", ("metric", *NAMES, "second - first"), _metrics(*runs)),
    )
    return Comparison((*names, *warning), tuple(part for part in parts if part.rows))


def markdown(comparison: Comparison) -> str:
    """Return a comparison in Markdown."""
    parts = ["\n".join(f"- {in_markdown(line)}" for line in comparison.intro)]
    for part in comparison.parts:
        rule = ["---", *("---:" for _ in part.header[1:])]
        lines = [
            rule if row is None else [in_markdown(cell) for cell in row] for row in (part.header, None, *part.rows)
        ]
        parts += [f"**{part.title}**", "\n".join(f"| {' | '.join(line)} |" for line in lines)]
    return "\n\n".join(parts) + "\n"


def _run(folder: Path) -> FoundRun:
    found = collect([folder])
    if len(found.runs) != 1 or found.unreadable:
        what = "; ".join(found.unreadable) or f"found {len(found.runs)} runs"
        wrong = RunError if found.unreadable else ConfigError
        raise wrong(f"--diff {folder}: expected the directory of one run; {what}")
    return found.runs[0]


def _facts(run: FoundRun) -> dict[str, str]:
    traits = {name: trait(run) for name, trait in TRAITS.items()}
    git = run.result.git or {}
    commit = {"commit": tree_of(git)} if git.get("commit") else {}
    return traits | run.result.versions | commit | ({"host": run.result.host} if run.result.host else {})


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    rows = []
    for key in dict.fromkeys([*first, *second]):
        in_both = key in first and key in second
        if not in_both or meaning(first[key]) != meaning(second[key]):
            rows.append((key, *(written(values[key]) if key in values else ABSENT for values in (first, second))))
    return tuple(rows)


def _metrics(first: FoundRun, second: FoundRun) -> tuple[tuple[str, ...], ...]:
    rows = []
    runs = (first, second)
    tags = dict.fromkeys(tag for run in runs for tag in (*run.result.validation, *run.result.metrics))
    for tag in tags:
        found = [metric_of(run, tag) for run in runs]
        values = [value if value is not None and math.isfinite(value) else None for value in found]
        kinds = [
            quantity_of(tag, run.result.quantities)
            for run, value in zip(runs, values, strict=True)
            if value is not None
        ]
        if not kinds:
            continue
        digits, unit = kinds[0].digits + 1, kinds[0].unit
        name = title(tag) if unit == Quantity().unit else f"{title(tag)} [{unit}]"
        cells = [ABSENT if value is None else f"{value:.{digits}f}" for value in values]
        one, two = values
        both = one is not None and two is not None and unit == kinds[-1].unit
        rows.append((name, *cells, f"{(two or 0.0) - (one or 0.0):+.{digits}f}" if both else ""))
    spent = [run.result.cost.get("wall_seconds") for run in runs]
    if any(seconds is not None for seconds in spent):
        rows.append(("time", *(ABSENT if seconds is None else duration(seconds) for seconds in spent), ""))
    return tuple(rows)
