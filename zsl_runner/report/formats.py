"""Markdown, CSV and LaTeX forms of a report."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from zsl_runner.config.schema import Quantity
from zsl_runner.report.groups import TRAITS, Average
from zsl_runner.report.table import Block, Report, Row, title
from zsl_runner.tracking.progress import duration

SUPERVISED = "supervised"
PER_CENT = Quantity().unit


def markdown(report: Report) -> str:
    """Return one table per block under a heading, the best mean of a block in bold, then units and notes."""
    parts = [f"{_heading(block)}\n\n{_markdown_table(block)}" for block in report.blocks]
    if not parts:
        parts = ["No complete run with these metrics."]
    else:
        parts.append(
            f"{units(report)}, mean ± standard deviation over seeds (n - 1); n = number of seeds; best mean in bold."
        )
    if report.notes:
        parts.append("Not in the tables, or worth knowing:\n\n" + "\n".join(f"- {note}" for note in report.notes))
    return "\n\n".join(parts) + "\n"


def as_csv(report: Report) -> str:
    """Return one line per group with full precision: mean, standard deviation and n of every metric.

    A column names its unit where it is not per cent, and is empty in blocks that do not have the metric.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    metrics = list(dict.fromkeys((tag, unit.unit) for block in report.blocks for tag, unit in block.quantities.items()))
    titles = [title(tag) if unit == PER_CENT else f"{title(tag)} [{unit}]" for tag, unit in metrics]
    figures = [f"{name} {what}" for name in titles for what in ("mean", "std", "n")]
    compared = _compared(report.blocks)
    paired = [f"{name} minus baseline {what}" for name in titles for what in ("mean", "std", "n")]
    writer.writerow([*TRAITS, "varied", *figures, *(paired if compared else []), "n", "seconds", "seeds", "deviation"])
    for block in report.blocks:
        present = [
            tag if tag in block.quantities and block.quantities[tag].unit == unit else "" for tag, unit in metrics
        ]
        for row in block.rows:
            cells = [cell for tag in present for cell in _numbers(row.cells.get(tag))]
            if compared:
                cells += [cell for tag in present for cell in _numbers(row.differences.get(tag))]
            seeds = " ".join(str(run.result.seed) for run in row.group.runs)
            counted = [len(row.group.runs), row.group.seconds, seeds, row.deviation]
            writer.writerow([*row.group.traits.values(), _varied(row), *cells, *counted])
    return buffer.getvalue() + "".join(f"# {note}\n" for note in report.notes)


def latex(report: Report) -> str:
    """Return one ``tabular`` per block (package booktabs), the best mean of a block in bold; notes as comments."""
    parts = []
    for block in report.blocks:
        header, rows = _cells(block, bold=lambda text: rf"\textbf{{{text}}}", escape=_escaped)
        align = "".join("l" if name in ("model", "trainer", "varied", "selection") else "r" for name in header)
        lines = [" & ".join(_escaped(name) for name in header), *(" & ".join(row) for row in rows)]
        body = "\n".join([lines[0] + r" \\", r"\midrule", *(line + r" \\" for line in lines[1:])])
        caption = ", ".join(f"{name}: {value}" for name, value in block.traits.items() if value)
        table = f"\\begin{{tabular}}{{{align}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}"
        parts.append(f"% {caption}\n{table}")
    said = [units(report)] if report.blocks else []
    parts += [f"% {note}" for note in [*said, *report.notes]]
    return "\n".join(parts) + "\n"


FORMATS: dict[str, Callable[[Report], str]] = {"md": markdown, "csv": as_csv, "latex": latex}


def units(report: Report) -> str:
    """Return in words in what unit the metrics of a report are; which is better where it is not the larger figure."""
    found: dict[str, list[str]] = {}
    for block in report.blocks:
        for tag, quantity in block.quantities.items():
            unit = f"{quantity.unit}{' (lower is better)' if quantity.lower_is_better else ''}"
            names = found.setdefault(unit, [])
            if title(tag) not in names:
                names.append(title(tag))
    if len(found) == 1:
        (text,) = found
    else:
        text = "; ".join(f"{', '.join(names)} in {unit}" for unit, names in found.items())
    return text[:1].upper() + text[1:]


def figure(value: Average | None, n: int, digits: int = 1, *, signed: bool = False) -> str:
    """Return ``mean ± std`` with so many decimals; the number of values only where it is not the group's.

    >>> figure(Average(45.23, 0.31, 5), 5), figure(Average(45.23, None, 1), 1, 2)
    ('45.2 ± 0.3', '45.23')
    >>> figure(Average(-1.0, 0.5, 3), 5, signed=True)
    '-1.0 ± 0.5 (3)'
    """
    if value is None:
        return ""
    spread = "" if value.std is None else f" ± {value.std:.{digits}f}"
    count = "" if value.n == n else f" ({value.n})"
    return f"{value.mean:{'+' if signed else ''}.{digits}f}{spread}{count}"


def _heading(block: Block) -> str:
    """Name what the rows share; data without class vectors are no features, and have no side information."""
    traits = block.traits
    supervised = traits["setting"] == SUPERVISED
    facts = [("Data" if supervised else "Features", traits["features"])]
    facts.append(("Outputs" if supervised else "Side information", traits["semantics"]))
    facts.append(("Split", traits["split"]))
    described = " ".join(f"{name}: {value}." for name, value in facts if value)
    return f"**{traits['dataset']}**, {traits['setting']}. {described}"


def _markdown_table(block: Block) -> str:
    header, rows = _cells(block, bold=lambda text: f"**{text}**", escape=lambda text: text.replace("|", "\\|"))
    rule = ["---" if name in ("model", "trainer", "varied", "selection", "published") else "---:" for name in header]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def _cells(block: Block, bold: Callable[[str], str], escape: Callable[[str], str]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows; columns that would be empty in the whole block are left out."""
    columns: dict[str, Callable[[Row], str]] = {
        "model": lambda row: escape(row.group.traits["model"]),
        "trainer": lambda row: escape(row.group.traits["trainer"]),
        "varied": lambda row: escape(_varied(row)),
        "selection": lambda row: escape(row.group.traits["selection"]),
    }
    for tag, quantity in block.quantities.items():

        def shown(row: Row, tag: str = tag, quantity: Quantity = quantity) -> str:
            text = escape(figure(row.cells[tag], len(row.group.runs), quantity.digits))
            return bold(text) if tag in row.best else text

        def difference(row: Row, tag: str = tag, quantity: Quantity = quantity) -> str:
            return escape(figure(row.differences.get(tag), len(row.group.runs), quantity.digits, signed=True))

        columns[title(tag)] = shown
        columns[f"{title(tag)} minus baseline"] = difference
    columns["n"] = lambda row: str(len(row.group.runs))
    columns["time"] = lambda row: "" if row.group.seconds is None else duration(row.group.seconds)
    columns["published"] = lambda row: escape(row.deviation)
    filled = {name: cell for name, cell in columns.items() if any(cell(row) for row in block.rows)}
    return list(filled), [[cell(row) for cell in filled.values()] for row in block.rows]


def _varied(row: Row) -> str:
    """Return the differing configuration keys, each as short as it can be."""
    keys = list(row.group.varied)
    ends = [key.rpartition(".")[2] for key in keys]
    return ", ".join(
        f"{end if ends.count(end) == 1 else key}={row.group.varied[key]}" for key, end in zip(keys, ends, strict=True)
    )


def _compared(blocks: list[Block]) -> bool:
    return any(row.differences for block in blocks for row in block.rows)


def _numbers(value: Average | None) -> list[object]:
    return ["", "", 0] if value is None else [repr(value.mean), "" if value.std is None else repr(value.std), value.n]


def _escaped(text: str) -> str:
    special = {character: f"\\{character}" for character in "&%$#_{}"}
    special |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {"±": r"$\pm$"}
    return "".join(special.get(character, character) for character in text)
