"""What `zsl-eval` found, as aligned text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zsl_runner.config.quantities import quantity_of
from zsl_runner.console.terminal import filled

CLASSES, CONFUSIONS, ASSIGNED, MASKS = "classes", "confusions", "assigned", "masks"
"""Names of the tables that come with predictions, and with masks."""

MOST_LINES = 250
"""Lines of a table of classes that are shown; of more, as data with thousands of classes have, `SHOWN` are."""
SHOWN = 20


def table(scores: dict[str, Any]) -> str:
    """Return the scores as aligned text, with one decimal more than tables over runs have."""
    state = "finished" if scores["complete"] else f"stopped after {scores['steps_done']} steps"
    changed = f", scored with {' '.join(scores['settings'])}" if scores.get("settings") else ""
    rows = []
    for tag, value in scores.get("metrics", {}).items():
        unit = quantity_of(tag, scores["quantities"]).unit
        rows.append((tag, _number(tag, value, scores), "%" if unit == "per cent" else unit))
    width = max([12, *(len(tag) for tag, _, _ in rows)])
    digits = max([6, *(len(value) for _, value, _ in rows)])
    lines = [f"  {tag:<{width}} {value:>{digits}} {unit}" for tag, value, unit in rows]
    lines += [f"  warning: {warning}" for warning in scores.get("warnings", ())]
    for name in (CLASSES, CONFUSIONS, ASSIGNED, MASKS):
        if name in scores.get("tables", ()):
            lines += ["", *_lines(name, scores["tables"][name])]
    return "\n".join([scores["run"], f"{scores['stage']} stage, {state}{changed}", *lines])


def comparison(found: Sequence[dict[str, Any]]) -> str:
    """Return scores of a run under several settings as an aligned table: values of the keys that vary, then metrics.

    Args:
        found: the scores, of the same keys in the same order.
    """
    settings = [[setting.partition("=") for setting in scores["settings"]] for scores in found]
    varying = [place for place, column in enumerate(zip(*settings, strict=True)) if len(set(column)) > 1]
    tags = list(dict.fromkeys(tag for scores in found for tag in scores["metrics"]))
    head = [*(settings[0][place][0] for place in varying), *tags]
    lines = [
        [
            *(values[place][2] for place in varying),
            *(_number(tag, scores["metrics"][tag], scores) if tag in scores["metrics"] else "" for tag in tags),
        ]
        for values, scores in zip(settings, found, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)) for line in [head, *lines]
    )


def _number(tag: str, value: float, scores: dict[str, Any]) -> str:
    return f"{value:.{quantity_of(tag, scores['quantities']).digits + 1}f}"


def _lines(name: str, shown: dict[str, list[Any]]) -> list[str]:
    """Return a table as aligned lines; whole numbers count rows, others are in per cent."""
    entries = list(zip(shown["rows"], shown["values"], strict=True))
    left = len(entries) - SHOWN if len(entries) > MOST_LINES else 0
    if left:  # the classes that most are wrong of, or that most rows were assigned to
        column, sign = ("accuracy", 1) if name == CLASSES else ("rows", -1)
        place = shown["columns"].index(column)
        entries = sorted(entries, key=lambda entry: sign * entry[1][place])[:SHOWN]
    head, *names = filled([name, *(row for row, _ in entries)])
    lines = [f"  {head}" + "".join(f"  {column:>15}" for column in shown["columns"])]
    for row, (_, values) in zip(names, entries, strict=True):
        cells = ["" if value is None else str(value) if isinstance(value, int) else f"{value:.2f}" for value in values]
        lines.append(f"  {row}" + "".join(f"  {cell:>15}" for cell in cells))
    if left:
        which = "least accurate" if name == CLASSES else "with most rows"
        lines.append(f"  the {SHOWN} {which} of {SHOWN + left:,} classes; --json prints all")
    return [line.rstrip() for line in lines]
