"""The content of a report: blocks of comparable rows, and everything that is not in them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from zsl_runner.config.quantities import is_standard_error, title
from zsl_runner.errors import ConfigError
from zsl_runner.files.names import some
from zsl_runner.report.baseline import compare, unpaired
from zsl_runner.report.choice import contenders, folded
from zsl_runner.report.collect import Findings, FoundRun
from zsl_runner.report.comparable import objectives, options_of_data, shared_quantity, validated_alike
from zsl_runner.report.groups import BLOCK, Group, block_of, groups_of, metric_of, tag_of
from zsl_runner.report.machines import on_machines
from zsl_runner.report.notes import on_debug_runs, on_groups, on_unfinished, on_unmeasured
from zsl_runner.report.published import deviation, quoted
from zsl_runner.report.rows import Block, Row
from zsl_runner.report.scaling import differing, in_words, scaling_of
from zsl_runner.report.values import read

ZERO_SHOT = ("test/T1", "test/U", "test/S", "test/H", "test/mU", "test/mS", "test/mH")
"""What zero-shot data alone have; those from mU on of classes that arrive in tasks, over the tasks."""
USUAL = (*ZERO_SHOT, "test/forg_tag")
"""Columns of zero-shot data; other data have columns of their own, images in tasks among them a forgetting, too."""


@dataclass
class Report:
    """A whole report.

    Attributes:
        blocks: the tables.
        notes: what else a reader must know: runs left out, duplicates, pooled configurations, published results.
        baseline: the row the others are compared with, as it was asked for; empty if none was.
        detailed: whether tables have all cost columns and not the wall time alone.
    """

    blocks: list[Block]
    notes: list[str]
    baseline: str = ""
    detailed: bool = False


def build(
    findings: Findings,
    by: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    sort: str | None = None,
    baseline: str | None = None,
    reference: bool = False,
    cost: bool = False,
    *,
    top: int | None = None,
    fold: bool = True,
) -> Report:
    """Return the report over all runs found.

    Args:
        findings: the runs.
        by: see `zsl_runner.report.groups.groups_of`.
        metrics: names (``H``) or tags (``val/H``, ``oracle/H_cal``) of the columns; by default T1, U, S, H, calibrated
            and oracle metrics, as far as a table has any, and its test metrics without standard errors if it has none
            of the four.
        sort: a metric by whose mean the rows of a block are sorted, best first; by default they go by name.
        baseline: see `zsl_runner.report.baseline.compare`; the other rows get their paired difference to it.
        reference: also note what every experiment file quotes, and which of it cannot be compared.
        cost: also show CPU time, peak memory, gradient steps and device.
        top: keep so many rows of a block, the best ones on ``sort``, or else on what they were selected by; and those
            that cannot be ranked, and the baseline.
        fold: let the one setting of a search that validation chose stand for all of them.

    Raises:
        ConfigError: an argument names what no run has.
    """
    comparable = [run for run in findings.runs if not run.result.debug]
    complete = [run for run in comparable if run.result.status == "complete"]
    for name in [*(metrics or ()), *([sort] if sort else [])]:
        if complete and all(metric_of(run, tag_of(name)) is None for run in complete):
            known = sorted({known for run in complete for known in (*run.result.metrics, *run.result.validation)})
            raise ConfigError(
                f"metric {name}: no complete run has {tag_of(name)}; there are {', '.join(known) or 'none'}"
            )
    columns = _columns(complete, [tag_of(name) for name in metrics or ()])
    measured: list[FoundRun] = []
    unmeasured: list[FoundRun] = []
    for run in complete:
        has_some = any(metric_of(run, tag) is not None for tag in columns[block_of(run)])
        (measured if has_some else unmeasured).append(run)
    groups = groups_of(measured, by)
    tried = folded(groups) if fold and by is None else {}
    blocks = _blocks([group for group in groups if tried.get(id(group), 1)], columns, tag_of(sort) if sort else None)
    for row in (row for block in blocks for row in block.rows):
        row.tried = tried.get(id(row.group), 0)
    if baseline is not None:
        compare(blocks, baseline)
    notes = [
        *(_cut(block, top, tag_of(sort) if sort else None) for block in blocks if top and len(block.rows) > top),
        *unpaired(blocks),
        *(quoted(groups) if reference else ()),
        *on_groups(groups),
        *on_machines(groups),
        *on_unfinished(comparable),
        *on_unmeasured(unmeasured, columns),
        *on_debug_runs([run for run in findings.runs if run.result.debug]),
        *(f"unreadable: {message}" for message in findings.unreadable),
    ]
    return Report(blocks, notes, baseline or "", cost)


def _columns(runs: list[FoundRun], wanted: list[str]) -> dict[tuple[str, ...], list[str]]:
    """Return the columns of each block: those asked for, or what its runs have."""
    comparable: dict[tuple[str, ...], list[FoundRun]] = {}
    for run in runs:
        comparable.setdefault(block_of(run), []).append(run)
    return {key: wanted or _with_validation(_present(members), members) for key, members in comparable.items()}


def _present(runs: Iterable[FoundRun]) -> list[str]:
    """Return the usual tags, then calibrated ones, then oracle ones, as far as a run has them.

    Without a usual one, all test metrics stand for them in the order in which they were recorded.
    """
    found = dict.fromkeys(tag for run in runs for tag in run.result.metrics)
    tests = [tag for tag in found if tag.startswith("test/") and not is_standard_error(tag)]
    usual = [tag for tag in USUAL if tag in found] if found.keys() & set(ZERO_SHOT) else []
    calibrated = [f"{plain}_cal" for plain in USUAL if f"{plain}_cal" in found]
    oracle = sorted(tag for tag in found if tag.startswith("oracle/") and not is_standard_error(tag))
    return [*(usual + calibrated or tests), *oracle]


def _with_validation(tags: list[str], runs: Iterable[FoundRun]) -> list[str]:
    """Add the validation metrics of runs that have none of the tags, as those of a search: what they were selected by.

    Where no run was tested the usual validation metrics stand in.
    """
    untested = [run for run in runs if all(metric_of(run, tag) is None for tag in tags)]
    selected = dict.fromkeys(str(run.result.selection.get("metric")) for run in untested)
    usual = [tag.replace("test/", "val/") for tag in USUAL] if not tags else []
    wanted = dict.fromkeys([*usual, *selected])
    return [*tags, *(tag for tag in wanted if any(metric_of(run, tag) is not None for run in untested))]


def _cut(block: Block, top: int, sort: str | None) -> str:
    """Keep the best rows of a block, the baseline and what cannot be ranked; return what a reader must know of it."""
    groups = [row.group for row in block.rows]
    tags = [sort] if sort else objectives(groups)
    everything = f"{block.traits['dataset']}: all {len(groups)} rows, not the best {top}"
    if not tags:
        return f"{everything}: none has the metric it was selected by; --sort ranks them by another"
    if len(tags) > 1:
        return f"{everything}: they were selected by {' and '.join(map(title, tags))}; --sort ranks them by one"
    (tag,) = tags
    if tag.startswith("val/") and not validated_alike(groups):
        return f"{everything}: they were validated on different rows"
    shared_quantity(groups, tag)
    ranked = sorted((row for row in block.rows if row.group.values(tag)), key=lambda row: -row.group.merit(tag))
    if not ranked:
        return f"{everything}: none has {title(tag)}"
    unranked = [row for row in block.rows if not row.group.values(tag)]
    beside = f"; unranked, without {title(tag)}: {some(_name(row.group) for row in unranked)}" if unranked else ""
    if len(ranked) <= top:
        return f"{everything}: only {len(ranked)} can be ranked{beside}"
    block.rows = [*(row for place, row in enumerate(ranked) if place < top or row.is_baseline), *unranked]
    warning = "; best on test rows, which must choose nothing" if tag.startswith(("test/", "oracle/")) else ""
    baseline = " and the baseline" if any(row.is_baseline for row in ranked[top:]) else ""
    return f"{block.traits['dataset']}: the best {top}{baseline} of {len(ranked)} rows by {title(tag)}{warning}{beside}"


def _name(group: Group) -> str:
    return f"{group.traits['model']}/{group.traits['trainer']}{f' ({group.differs})' if group.differs else ''}"


def _blocks(groups: list[Group], columns: Mapping[tuple[str, ...], list[str]], sort: str | None) -> list[Block]:
    members: dict[tuple[str, ...], list[Group]] = {}
    for group in groups:
        members.setdefault(group.block, []).append(group)
    blocks = [
        _block(members[key], columns[key], sort)
        for key in sorted(members, key=lambda key: [_in_order(part) for part in key])
    ]
    # Checksums are said where nothing else tells two tables apart.
    for block in blocks:
        titles = [{**other.traits, "data": ""} for other in blocks]
        block.title = block.traits if titles.count({**block.traits, "data": ""}) > 1 else {**block.traits, "data": ""}
    return blocks


def _block(groups: list[Group], tags: list[str], sort: str | None) -> Block:
    quantities = {tag: shared_quantity(groups, tag) for tag in tags if any(group.values(tag) for group in groups)}
    block = Block({name: groups[0].traits[name] for name in BLOCK}, quantities)
    apart, scalings = differing(groups), [scaling_of(group) for group in groups]
    common = {key: value for key, value in scalings[0].items() if all(key in scaling for scaling in scalings)}
    block.scaling = in_words({key: value for key, value in common.items() if key not in apart})
    for group, data in zip(groups, options_of_data(groups), strict=True):
        cells = {tag: group.average(tag) for tag in quantities}
        row = Row(group, cells, deviation=deviation(group, cells, quantities), data=data)
        row.scaling = {key: value for key, value in scaling_of(group).items() if key in apart}
        block.rows.append(row)
    block.rows.sort(key=lambda row: (row.group.traits["model"], row.group.traits["trainer"], _order(row.group)))
    if sort is not None:
        shared_quantity(groups, sort)
        block.rows.sort(key=lambda row: -row.group.merit(sort))
    competing = {id(group) for group in contenders(groups)}
    alike = validated_alike(groups)
    for tag in quantities:
        rows = [row for row in block.rows if (alike if tag.startswith("val/") else id(row.group) in competing)]
        merits = [row.group.merit(tag) for row in rows if row.group.merit(tag) > -math.inf]
        # A small standard error tells of many test rows, not of a good model.
        if len(block.rows) > 1 and merits and quantities[tag].ranked and not is_standard_error(tag):
            for row in rows:
                if row.group.merit(tag) == max(merits):
                    row.best.add(tag)
    return block


def _order(group: Group) -> list[tuple[bool, float, str]]:
    """Return what sorts groups by the values in which they differ: numbers by size, then words."""
    values = [read(value) if isinstance(value, str) else value for value in group.varied.values()]
    return [(False, v, "") if isinstance(v, (int, float)) and v == v else (True, 0.0, str(v)) for v in values]


def _in_order(text: str) -> list[tuple[str, int]]:
    """Return what sorts texts by the whole numbers in them, and otherwise as texts.

    >>> sorted(["few-shot, 10 rows", "few-shot, 5 rows", "1,000 labels", "100 labels", "inductive"], key=_in_order)
    ['100 labels', '1,000 labels', 'few-shot, 5 rows', 'few-shot, 10 rows', 'inductive']
    """
    pieces = re.split(r"(\d+(?:,\d{3})*)", text)
    return [
        (word, int((number or "0").replace(",", "")))
        for word, number in zip(pieces[::2], [*pieces[1::2], ""], strict=True)
    ]
