"""The content of a report: blocks of comparable rows, and everything that is not in them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from zsl_runner.config.schema import Quantity
from zsl_runner.errors import RunError
from zsl_runner.report.collect import Findings, FoundRun
from zsl_runner.report.groups import BLOCK, Average, Group, average, block_of, groups_of, metric_of
from zsl_runner.report.quantities import is_standard_error, quantity_of

USUAL = ("test/T1", "test/U", "test/S", "test/H")
"""Columns of zero-shot data; other data have columns of their own."""


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
    """Rows whose figures may be compared: same data, features, side information, split and setting.

    Attributes:
        traits: what they share.
        quantities: the metrics, one column each, and what they are; by tag.
        rows: the groups.
    """

    traits: dict[str, str]
    quantities: dict[str, Quantity]
    rows: list[Row] = field(default_factory=list)


@dataclass
class Report:
    """A whole report.

    Attributes:
        blocks: the tables.
        notes: what else a reader must know: runs left out, duplicates, pooled configurations.
    """

    blocks: list[Block]
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
            and oracle figures, as far as a table has any, and its test figures without standard errors if it has none
            of the four.
        sort: a metric by whose mean the rows of a block are sorted, best first; by default they go by name.
        baseline: ``model`` or ``model/trainer``; the other rows get their paired difference to it.

    Raises:
        RunError: an argument names what no run has.
    """
    complete = [run for run in findings.runs if run.result.status == "complete"]
    for name in [*(metrics or ()), *([sort] if sort else [])]:
        if complete and all(metric_of(run, _tag(name)) is None for run in complete):
            known = sorted({known for run in complete for known in (*run.result.metrics, *run.result.validation)})
            raise RunError(f"metric {name}: no complete run has {_tag(name)}; there are {', '.join(known) or 'none'}")
    columns = _columns(complete, [_tag(name) for name in metrics or ()])
    measured: list[FoundRun] = []
    unmeasured: list[FoundRun] = []
    for run in complete:
        has_some = any(metric_of(run, tag) is not None for tag in columns[block_of(run)])
        (measured if has_some else unmeasured).append(run)
    groups = groups_of(measured, by)
    blocks = _blocks(groups, columns, _tag(sort) if sort else None)
    if baseline is not None:
        _compare(blocks, baseline)
    unreadable = [f"unreadable: {message}" for message in findings.unreadable]
    return Report(blocks, [*_notes(groups), *_unfinished(findings), *_without(unmeasured, columns), *unreadable])


def _tag(name: str) -> str:
    return name if "/" in name else f"test/{name}"


def _columns(runs: list[FoundRun], wanted: list[str]) -> dict[tuple[str, ...], list[str]]:
    """Return the columns of each block: those asked for, or what its runs have."""
    comparable: dict[tuple[str, ...], list[FoundRun]] = {}
    for run in runs:
        comparable.setdefault(block_of(run), []).append(run)
    return {key: wanted or _present(members) for key, members in comparable.items()}


def _present(runs: Iterable[FoundRun]) -> list[str]:
    """Return the usual tags, then calibrated ones, then oracle ones, as far as a run has them.

    Without a usual one, all test figures stand for them in the order in which they were recorded.
    """
    found = dict.fromkeys(tag for run in runs for tag in run.result.metrics)
    figures = [tag for tag in found if tag.startswith("test/") and not is_standard_error(tag)]
    usual = [tag for tag in USUAL if tag in found]
    calibrated = [f"{plain}_cal" for plain in USUAL if f"{plain}_cal" in found]
    oracle = sorted(tag for tag in found if tag.startswith("oracle/") and not is_standard_error(tag))
    return [*(usual + calibrated or figures), *oracle]


def _blocks(groups: list[Group], columns: Mapping[tuple[str, ...], list[str]], sort: str | None) -> list[Block]:
    members: dict[tuple[str, ...], list[Group]] = {}
    for group in groups:
        members.setdefault(group.block, []).append(group)
    return [_block(members[key], columns[key], sort) for key in sorted(members)]


def _block(groups: list[Group], tags: list[str], sort: str | None) -> Block:
    quantities = {tag: _quantity(groups, tag) for tag in tags}
    block = Block({name: groups[0].traits[name] for name in BLOCK}, quantities)
    for group in groups:
        cells = {tag: group.average(tag) for tag in tags}
        block.rows.append(Row(group, cells, deviation=_deviation(group, cells, quantities)))
    block.rows.sort(key=lambda row: (row.group.traits["model"], row.group.traits["trainer"], str(row.group.varied)))
    if sort is not None:
        direction = _quantity(groups, sort)
        block.rows.sort(key=lambda row: -_merit(row, sort, direction))
    for tag, quantity in quantities.items():
        top = max(_merit(row, tag, quantity) for row in block.rows)
        for row in block.rows:
            # A small standard error tells of many test rows, not of a good model.
            if len(block.rows) > 1 and _merit(row, tag, quantity) == top > -math.inf and not is_standard_error(tag):
                row.best.add(tag)
    return block


def _quantity(groups: list[Group], tag: str) -> Quantity:
    """Return what the runs that have a metric recorded of it.

    Raises:
        RunError: they disagree on its unit or its better direction.
    """
    runs = [run for group in groups for run in group.runs if metric_of(run, tag) is not None]
    found = [quantity_of(tag, run.result.quantities) for run in runs]
    for run, quantity in zip(runs, found, strict=True):
        if (quantity.unit, quantity.lower_is_better) != (found[0].unit, found[0].lower_is_better):
            raise RunError(
                f"{tag}: recorded in {found[0].unit} by {runs[0].directory} and in {quantity.unit} by {run.directory}; "
                "they cannot share a table: run one of them again, or name the folders to be compared"
            )
    return found[0] if found else Quantity()


def _merit(row: Row, tag: str, quantity: Quantity) -> float:
    """Return a row's mean, with the sign that makes the larger one the better one."""
    found = row.group.average(tag)
    if found is None:
        return -math.inf
    return -found.mean if quantity.lower_is_better else found.mean


def _deviation(group: Group, cells: dict[str, Average | None], quantities: Mapping[str, Quantity]) -> str:
    """Compare with the figures the experiment file quotes, if they were measured on the same kind of features."""
    config = group.runs[0].config
    published = config.get("reference.feature_kind")
    if not published or published != group.runs[0].result.data.get("feature_kind"):
        return ""
    parts = []
    for tag, cell in cells.items():
        figure = config.get(f"reference.metrics.{tag}")
        if cell is not None and isinstance(figure, (int, float)):
            digits = quantities[tag].digits
            parts.append(f"{title(tag)} {cell.mean - figure:+.{digits}f} from {figure:.{digits}f}")
    return f"{', '.join(parts)} ({config.get('reference.source')})" if parts else ""


def _compare(blocks: list[Block], baseline: str) -> None:
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
                row.differences = {tag: _paired(row.group, named[0].group, tag) for tag in block.quantities}
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


def _unfinished(findings: Findings) -> list[str]:
    notes = []
    for state in ("failed", "interrupted", "running"):
        for run in findings.runs:
            if run.result.status == state:
                error = run.result.error or {}
                reason = str(error.get("message", "")).strip().partition("\n")[0]
                why = f": {error.get('type')}: {reason}" if error else ""
                notes.append(f"{state}: {run.directory} (seed {run.result.seed}){why}")
    return notes


def _without(unmeasured: list[FoundRun], columns: Mapping[tuple[str, ...], list[str]]) -> list[str]:
    """Return a note on the complete runs that have none of the columns of their block."""
    alike: dict[str, list[FoundRun]] = {}
    for run in unmeasured:
        wanted = ", ".join(title(tag) for tag in columns[block_of(run)]) or "test metrics"
        alike.setdefault(wanted, []).append(run)
    notes = []
    for wanted, runs in alike.items():
        names = ", ".join(str(run.directory) for run in runs[:3])
        more = f" and {len(runs) - 3} more" if len(runs) > 3 else ""
        notes.append(f"complete but without {wanted}: {names}{more}")
    return notes
