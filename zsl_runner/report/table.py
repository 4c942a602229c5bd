"""The content of a report: blocks of comparable rows, and everything that is not in them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from zsl_runner.errors import RunError
from zsl_runner.report.collect import Findings, FoundRun
from zsl_runner.report.groups import BLOCK, Average, Group, average, groups_of, metric_of

USUAL = ("test/T1", "test/U", "test/S", "test/H")


@dataclass
class Row:
    """One group in its block.

    Attributes:
        group: the group.
        cells: averages by tag.
        differences: paired differences to the baseline, by tag.
        best: tags in which it is the best of its block.
        deviation: deviation from published figures in words; empty if there are none for the same features.
    """

    group: Group
    cells: dict[str, Average | None]
    differences: dict[str, Average | None] = field(default_factory=dict)
    best: set[str] = field(default_factory=set)
    deviation: str = ""


@dataclass
class Block:
    """Rows whose figures may be compared: same data, features, side information, split and setting."""

    traits: dict[str, str]
    rows: list[Row]


@dataclass
class Report:
    """A whole report.

    Attributes:
        blocks: the tables.
        tags: the metrics, one column each.
        notes: what else a reader must know: runs left out, duplicates, pooled configurations.
    """

    blocks: list[Block]
    tags: list[str]
    notes: list[str]


def title(tag: str) -> str:
    """Return a metric's column title; oracle and validation figures say what they are.

    >>> title("test/H"), title("oracle/H_cal"), title("val/H")
    ('H', 'oracle H_cal', 'val H')
    """
    return tag.removeprefix("test/").replace("/", " ")


def build(
    findings: Findings,
    by: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    sort: str | None = None,
    baseline: str | None = None,
) -> Report:
    """Return the report over all runs found.

    Args:
        findings: the runs.
        by: see `zsl_runner.report.groups.groups_of`.
        metrics: names (``H``) or tags (``val/H``, ``oracle/H_cal``) of the columns; by default T1, U, S, H, calibrated
            and oracle figures, as far as there are any.
        sort: a metric by whose mean the rows of a block are sorted, best first; by default they go by name.
        baseline: ``model`` or ``model/trainer``; the other rows get their paired difference to it.

    Raises:
        RunError: an argument names what no run has.
    """
    complete = [run for run in findings.runs if run.result.status == "complete"]
    tags = [_tag(name) for name in metrics] if metrics else _present(complete)
    for name in [*(metrics or ()), *([sort] if sort else [])]:
        if complete and all(metric_of(run, _tag(name)) is None for run in complete):
            known = sorted({known for run in complete for known in (*run.result.metrics, *run.result.validation)})
            raise RunError(f"metric {name}: no complete run has {_tag(name)}; there are {', '.join(known) or 'none'}")
    measured = [run for run in complete if any(metric_of(run, tag) is not None for tag in tags)]
    groups = groups_of(measured, by)
    blocks = _blocks(groups, tags, _tag(sort) if sort else None)
    if baseline is not None:
        _compare(blocks, tags, baseline)
    unmeasured = [run for run in complete if run not in measured]
    return Report(blocks, tags, [*_notes(groups), *_left_out(findings, unmeasured, tags)])


def _tag(name: str) -> str:
    return name if "/" in name else f"test/{name}"


def _present(runs: Iterable[FoundRun]) -> list[str]:
    """Return the usual tags, then calibrated ones, then oracle ones, as far as a run has them."""
    found = {tag for run in runs for tag in run.result.metrics}
    usual = [tag for tag in USUAL if tag in found]
    calibrated = [f"{plain}_cal" for plain in USUAL if f"{plain}_cal" in found]
    return usual + calibrated + sorted(tag for tag in found if tag.startswith("oracle/"))


def _blocks(groups: list[Group], tags: list[str], sort: str | None) -> list[Block]:
    blocks: dict[tuple[str, ...], Block] = {}
    for group in groups:
        block = blocks.setdefault(group.block, Block({name: group.traits[name] for name in BLOCK}, []))
        cells = {tag: group.average(tag) for tag in tags}
        block.rows.append(Row(group, cells, deviation=_deviation(group, cells)))
    for block in blocks.values():
        block.rows.sort(key=lambda row: (row.group.traits["model"], row.group.traits["trainer"], str(row.group.varied)))
        if sort is not None:
            block.rows.sort(key=lambda row: -_mean(row, sort))
        for tag in tags:
            top = max(_mean(row, tag) for row in block.rows)
            for row in block.rows:
                if len(block.rows) > 1 and _mean(row, tag) == top > -math.inf:
                    row.best.add(tag)
    return [blocks[key] for key in sorted(blocks)]


def _mean(row: Row, tag: str) -> float:
    found = row.group.average(tag)
    return -math.inf if found is None else found.mean


def _deviation(group: Group, cells: dict[str, Average | None]) -> str:
    """Compare with the figures the experiment file quotes, if they were measured on the same kind of features."""
    config = group.runs[0].config
    published = config.get("reference.feature_kind")
    if not published or published != group.runs[0].result.data.get("feature_kind"):
        return ""
    parts = []
    for tag, cell in cells.items():
        figure = config.get(f"reference.metrics.{tag}")
        if cell is not None and isinstance(figure, (int, float)):
            parts.append(f"{title(tag)} {cell.mean - figure:+.1f} from {figure:.1f}")
    return f"{', '.join(parts)} ({config.get('reference.source')})" if parts else ""


def _compare(blocks: list[Block], tags: list[str], baseline: str) -> None:
    """Fill in the differences to the baseline, seed by seed."""
    found = False
    for block in blocks:
        named = [row for row in block.rows if baseline in _names(row.group)]
        if len(named) > 1:
            raise RunError(
                f"--baseline {baseline}: {len(named)} rows of {block.traits['dataset']} have this name; "
                "say model/trainer, or narrow the folders"
            )
        for row in block.rows if named else []:
            found = True
            if row is not named[0]:
                row.differences = {tag: _paired(row.group, named[0].group, tag) for tag in tags}
    if not found:
        names = sorted({name for block in blocks for row in block.rows for name in _names(row.group)})
        raise RunError(f"--baseline {baseline}: no row has this name; there are {', '.join(names)}")


def _names(group: Group) -> tuple[str, str]:
    return group.traits["model"], f"{group.traits['model']}/{group.traits['trainer']}"


def _paired(group: Group, reference: Group, tag: str) -> Average | None:
    """Average the differences over common seeds; pooled configurations have no pairs."""
    if group.configurations > 1 or reference.configurations > 1:
        return None
    values, against = dict(group.values(tag)), dict(reference.values(tag))
    common = sorted(values.keys() & against.keys())
    return average([values[seed] - against[seed] for seed in common]) if common else None


def _notes(groups: list[Group]) -> list[str]:
    notes = []
    for group in groups:
        name = f"{group.traits['model']}/{group.traits['trainer']} on {group.traits['dataset']}"
        if group.configurations > 1:
            notes.append(f"{name}: pools {group.configurations} configurations, on request (--by)")
        for run in group.duplicates:
            used = next(
                kept
                for kept in group.runs
                if (kept.result.seed, kept.result.config_hash) == (run.result.seed, run.result.config_hash)
            )
            agrees = used.result.metrics == run.result.metrics
            verdict = "same figures" if agrees else "DIFFERENT FIGURES: the versions or the device may differ"
            notes.append(
                f"{name}: seed {run.result.seed} was run more than once; {used.directory} counts, "
                f"{run.directory} does not ({verdict})"
            )
    return notes


def _left_out(findings: Findings, unmeasured: list[FoundRun], tags: list[str]) -> list[str]:
    notes = []
    for state in ("failed", "interrupted", "running"):
        for run in findings.runs:
            if run.result.status == state:
                error = run.result.error or {}
                reason = str(error.get("message", "")).strip().partition("\n")[0]
                why = f": {error.get('type')}: {reason}" if error else ""
                notes.append(f"{state}: {run.directory} (seed {run.result.seed}){why}")
    if unmeasured:
        names = ", ".join(str(run.directory) for run in unmeasured[:3])
        more = f" and {len(unmeasured) - 3} more" if len(unmeasured) > 3 else ""
        wanted = ", ".join(title(tag) for tag in tags) or "test metrics"
        notes.append(f"complete but without {wanted}: {names}{more}")
    return notes + [f"unreadable: {message}" for message in findings.unreadable]
