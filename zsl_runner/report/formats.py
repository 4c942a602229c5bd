"""Markdown, CSV and LaTeX forms of a report."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from functools import partial

from zsl_runner.config.quantities import Quantity, title
from zsl_runner.report.baseline import FEWEST_PAIRS
from zsl_runner.report.groups import TRAITS, Average
from zsl_runner.report.machines import recorded
from zsl_runner.report.rows import Block, Difference, Row
from zsl_runner.report.table import Report
from zsl_runner.report.text import in_markdown, one_line
from zsl_runner.runs.summary import semantics_are
from zsl_runner.tracking.progress import duration

WORDS = ("model", "trainer", "varied", "selection", "device", "published")
"""Columns aligned left."""
COSTS: dict[str, tuple[str, str, Callable[[float], str]]] = {
    "time": ("wall_seconds", "seconds", duration),
    "CPU time": ("cpu_seconds", "CPU seconds", duration),
    "memory": ("peak_memory_mb", "peak MiB", lambda value: f"{value:.0f} MiB"),
    "GPU memory": ("device_memory_mb", "peak MiB on the GPU", lambda value: f"{value:.0f} MiB"),
    "steps": ("gradient_steps", "gradient steps", lambda value: f"{value:.0f}"),
}
"""Cost columns: what is recorded, its title in CSV, and how tables show it; by title."""
MACHINE = ("device", "torch")
"""What a row was computed on and by what, as its runs recorded it: columns of CSV."""
PER_CENT = Quantity().unit


def markdown(report: Report) -> str:
    """Return one table per block under a heading, the best mean of a block in bold, then units and notes."""
    parts = [f"{_heading(block)}\n\n{_markdown_table(block, report.detailed)}" for block in report.blocks]
    if not parts:
        parts = ["No complete run with these metrics."]
    else:
        parts.append(said(report))
    if report.notes:
        notes = "\n".join(f"- {in_markdown(note)}" for note in report.notes)
        parts.append(f"Not in the tables, or worth knowing:\n\n{notes}")
    return "\n\n".join(parts) + "\n"


def said(report: Report) -> str:
    """Return what the numbers of a report's tables are, in words."""
    return (
        f"{units(report)}, mean ± standard deviation over seeds (n - 1); n = number of seeds; best mean in bold"
        f"{competing_in_words(report)}.{test_in_words(report)}"
    )


def as_csv(report: Report) -> str:
    """Return one line per group with full precision: mean, standard deviation and n of every metric.

    A column names its unit where it is not per cent, and is empty in blocks that do not have the metric.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    metrics = list(dict.fromkeys((tag, unit.unit) for block in report.blocks for tag, unit in block.quantities.items()))
    titles = [title(tag) if unit == PER_CENT else f"{title(tag)} [{unit}]" for tag, unit in metrics]
    averages = [f"{name} {what}" for name in titles for what in ("mean", "std", "n")]
    compared = _compared(report.blocks)
    paired = [f"{name} minus baseline {what}" for name in titles for what in ("mean", "std", "n", "p")]
    costs = [name for _, name, _ in COSTS.values()]
    offsets = [f"offset of seen classes {what}" for what in ("mean", "std", "n")]
    averages += [*(paired if compared else []), *offsets]
    writer.writerow([*TRAITS, "varied", *averages, "n", *costs, *MACHINE, "seeds", "deviation"])
    for block in report.blocks:
        present = [
            tag if tag in block.quantities and block.quantities[tag].unit == unit else "" for tag, unit in metrics
        ]
        for row in block.rows:
            cells = [cell for tag in present for cell in _numbers(row.cells.get(tag))]
            if compared:
                found = [row.differences.get(tag) for tag in present]
                cells += [cell for each in found for cell in (*_numbers(each), _p_value(each, repr))]
            cells += _numbers(row.group.offset)
            seeds = " ".join(str(run.result.seed) for run in row.group.runs)
            spent = [row.group.cost(entry) for entry, _, _ in COSTS.values()]
            machines = [" | ".join(recorded(row.group, name)) for name in MACHINE]
            counted = [len(row.group.runs), *spent, *machines, seeds, row.deviation]
            writer.writerow([*row.group.traits.values(), row.varied_exactly, *cells, *counted])
    return buffer.getvalue() + "".join(f"# {one_line(note)}\n" for note in report.notes)


def latex(report: Report) -> str:
    """Return one ``tabular`` per block (package booktabs), the best mean of a block in bold; notes as comments."""
    parts = []
    for block in report.blocks:
        header, rows = cells_of(block, lambda text: rf"\textbf{{{text}}}", _escaped, report.detailed)
        align = "".join("l" if name in WORDS else "r" for name in header)
        lines = [" & ".join(_escaped(name) for name in header), *(" & ".join(row) for row in rows)]
        body = "\n".join([lines[0] + r" \\", r"\midrule", *(line + r" \\" for line in lines[1:])])
        facts = block.title | {"scaling": block.scaling}
        caption = ", ".join(f"{name}: {value}" for name, value in facts.items() if value)
        table = f"\\begin{{tabular}}{{{align}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}"
        parts.append(f"% {one_line(caption)}\n{table}")
    said = [f"{units(report)}.{test_in_words(report)}"] if report.blocks else []
    parts += [f"% {one_line(note)}" for note in [*said, *report.notes]]
    return "\n".join(parts) + "\n"


FORMATS: dict[str, Callable[[Report], str]] = {"md": markdown, "csv": as_csv, "latex": latex}


def units(report: Report) -> str:
    """Return in words in what unit the metrics of a report are; which is better where it is not the larger value."""
    found: dict[str, list[str]] = {}
    for block in report.blocks:
        for tag, quantity in block.quantities.items():
            unit = f"{quantity.unit}{' (lower is better)' if quantity.lower_is_better else ''}"
            names = found.setdefault(unit, [])
            if title(tag) not in names:
                names.append(title(tag))
    if len(found) == 1:
        (unit,) = found
        return unit[:1].upper() + unit[1:]
    return "; ".join(f"{', '.join(names)} in {unit}" for unit, names in found.items())


def competing_in_words(report: Report) -> str:
    """Return which rows compete for the best test value; nothing where all do."""
    for block in report.blocks:
        methods = [(row.group.traits["model"], row.group.traits["trainer"]) for row in block.rows]
        if len(set(methods)) < len(methods):
            return ", on test rows only among the settings that validation chose"
    return ""


def test_in_words(report: Report) -> str:
    """Return what the p values of a report mean; nothing if it has none."""
    if not _compared(report.blocks):
        return ""
    return (
        f" Differences to {report.baseline} are paired by seed. p: two-sided paired t test of them, adjusted after "
        f"Holm for the rows of a table; it speaks of other seeds, not of other data. n < {FEWEST_PAIRS}: too few pairs "
        "for a test; no spread: all differences are equal."
    )


def mean_and_spread(value: Average | None, n: int, digits: int = 1, *, signed: bool = False) -> str:
    """Return ``mean ± std`` with so many decimals; the number of values only where it is not the group's.

    >>> mean_and_spread(Average(45.23, 0.31, 5), 5), mean_and_spread(Average(45.23, None, 1), 1, 2)
    ('45.2 ± 0.3', '45.23')
    >>> mean_and_spread(Average(-1.0, 0.5, 3), 5, signed=True)
    '-1.0 ± 0.5 (3)'
    """
    if value is None:
        return ""
    spread = "" if value.std is None else f" ± {value.std:.{digits}f}"
    count = "" if value.n == n else f" ({value.n})"
    return f"{value.mean:{'+' if signed else ''}.{digits}f}{spread}{count}"


def _heading(block: Block) -> str:
    return f"**{in_markdown(block.title['dataset'])}**, {in_markdown(facts_of(block))}"


def facts_of(block: Block) -> str:
    """Name what the rows share; data without class vectors are no features, and have no side information."""
    traits = block.title
    semantics = semantics_are(traits["setting"])
    facts = [("Features" if semantics == "side information" else "Data", traits["features"])]
    facts.append((semantics.capitalize(), traits["semantics"]))
    facts += [("Scaling", block.scaling), ("Split", traits["split"]), ("Checksums", traits["data"])]
    return " ".join([f"{traits['setting']}.", *(f"{name}: {value}." for name, value in facts if value)])


def _markdown_table(block: Block, detailed: bool) -> str:
    header, rows = cells_of(block, lambda text: f"**{text}**", in_markdown, detailed)
    rule = ["---" if name in WORDS else "---:" for name in header]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (map(in_markdown, header), rule, *rows))


def cells_of(
    block: Block, bold: Callable[[str], str], escape: Callable[[str], str], detailed: bool
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows; columns that would be empty in the whole block are left out."""
    # Pairs, since a metric of a user's own may have the name of another column.
    columns: list[tuple[str, Callable[[Row], str]]] = [
        ("model", lambda row: escape(row.group.traits["model"])),
        ("trainer", lambda row: escape(row.group.traits["trainer"])),
        ("varied", lambda row: escape(row.varied)),
        ("selection", lambda row: escape(row.group.traits["selection"])),
    ]
    for tag, quantity in block.quantities.items():

        def shown(row: Row, tag: str = tag, quantity: Quantity = quantity) -> str:
            text = escape(mean_and_spread(row.cells[tag], len(row.group.runs), quantity.digits))
            return bold(text) if tag in row.best else text

        def difference(row: Row, tag: str = tag, quantity: Quantity = quantity) -> str:
            return escape(mean_and_spread(row.differences.get(tag), len(row.group.runs), quantity.digits, signed=True))

        def p_value(row: Row, tag: str = tag) -> str:
            return escape(_p_value(row.differences.get(tag), _rounded_p))

        named = title(tag)
        columns += [(named, shown), (f"{named} minus baseline", difference), (f"p ({named})", p_value)]
    if any(tag.endswith("_cal") for tag in block.quantities):
        columns.append(("offset", lambda row: escape(_offset(row))))
    columns.append(("n", lambda row: str(len(row.group.runs))))
    columns += [(name, partial(_cost, name=name)) for name in (COSTS if detailed else ("time",))]
    if detailed:
        columns.append(("device", lambda row: escape(" | ".join(recorded(row.group, "device")))))
    columns.append(("published", lambda row: escape(row.deviation)))
    filled = [(name, cell) for name, cell in columns if any(cell(row) for row in block.rows)]
    return [name for name, _ in filled], [[cell(row) for _, cell in filled] for row in block.rows]


def _offset(row: Row) -> str:
    """Return the offset of seen classes in three significant digits of its mean: it is in units of scores."""
    found = row.group.offset
    if found is None:
        return ""
    size = math.floor(math.log10(abs(found.mean))) if found.mean else 0
    return mean_and_spread(found, len(row.group.runs), max(0, 2 - size))


def _cost(row: Row, name: str) -> str:
    entry, _, shown = COSTS[name]
    value = row.group.cost(entry)
    return "" if value is None else shown(value)


def _p_value(difference: Difference | None, shown: Callable[[float], str]) -> str:
    """Return the p value or, in words, why there is none."""
    if difference is None:
        return ""
    return difference.why_no_p if difference.p is None else shown(difference.p)


def _rounded_p(p: float) -> str:
    """Return a p value with three decimals.

    >>> _rounded_p(0.01249), _rounded_p(0.0001)
    ('0.012', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _compared(blocks: list[Block]) -> bool:
    return any(found for block in blocks for row in block.rows for found in row.differences.values())


def _numbers(value: Average | None) -> list[object]:
    return ["", "", 0] if value is None else [repr(value.mean), "" if value.std is None else repr(value.std), value.n]


def _escaped(text: str) -> str:
    special = {character: f"\\{character}" for character in "&%$#_{}"}
    special |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {"±": r"$\pm$"}
    return "".join(special.get(character, character) for character in one_line(text))
