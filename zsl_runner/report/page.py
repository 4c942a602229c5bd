"""``zsl-report --html DIR``: one page with tables, figures and settings that needs no other file."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from zsl_runner import __version__
from zsl_runner.config.identity import defines_the_run
from zsl_runner.config.paths import shown
from zsl_runner.config.places import require_folder
from zsl_runner.config.quoting import written
from zsl_runner.errors import RunError
from zsl_runner.files.folders import entries
from zsl_runner.files.writing import write_text
from zsl_runner.report.collect import Findings, FoundRun
from zsl_runner.report.formats import WORDS, cells_of, facts_of, said
from zsl_runner.report.plots.command import Picture, pictures
from zsl_runner.report.rows import Block, Row
from zsl_runner.report.table import Report
from zsl_runner.report.text import one_line

PAGE = "report.html"
MOST_RUNS = 6
"""Rows of a table of which the figures of a run are shown, those of its first seed."""
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 14px; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #ddd; vertical-align: top; }
th { border-bottom: 2px solid #888; }
.words { text-align: left; }
.scrolls { overflow-x: auto; }
figure { display: inline-block; margin: .5rem 1rem 1rem 0; max-width: 100%; vertical-align: top; }
figure img { max-width: 100%; width: 32rem; border: 1px solid #eee; }
figcaption, .small { color: #555; font-size: 13px; max-width: 32rem; overflow-wrap: anywhere; }
.small { max-width: none; }
summary { cursor: pointer; margin: .4rem 0; }
code { overflow-wrap: anywhere; }
"""


def write_page(
    report: Report,
    findings: Findings,
    folder: Path,
    by: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    say: Callable[[str], object] = print,
) -> Path:
    """Write the page and return its file; one of the same name is replaced.

    Args:
        report: the tables.
        findings: the runs they are made of.
        folder: where to write; made if it is not there.
        by: how the tables were grouped.
        metrics: names or tags to draw; see `zsl_runner.report.plots.command.plot`.
        say: told of what could not be read and is left out.

    Raises:
        ConfigError: the folder cannot be.
        RunError: it cannot be written.
    """
    require_folder(folder, "--html")
    drawn = list(pictures(findings, by, metrics, say)) if report.blocks else []
    parts = [part for block in report.blocks for part in _section(block, report, drawn, say)]
    parts += _across(report.blocks, drawn)
    legend = f"<p class='small'>{_text(said(report))}</p>" if report.blocks else "<p>No complete run.</p>"
    notes = "".join(f"<li>{_text(note)}</li>" for note in report.notes)
    parts += [legend, f"<h2>Not in the tables, or worth knowing</h2><ul>{notes}</ul>" if notes else ""]
    title = _text(", ".join(dict.fromkeys(block.traits["dataset"] for block in report.blocks)) or "no complete run")
    body = "\n".join(part for part in parts if part)
    heading = f"<h1>Results: {title}</h1>"
    head = f"<meta charset='utf-8'><title>Results: {title}</title><style>{STYLE}</style>"
    foot = f"<p class='small'>zsl-run {_text(__version__)}</p>"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be created: {error.strerror or error}") from error
    path = folder / PAGE
    page = f"<html lang='en'><head>{head}</head>\n<body>\n{heading}\n{body}\n{foot}</body></html>"
    write_text(path, f"<!doctype html>\n{page}\n")
    return path


def _section(block: Block, report: Report, drawn: Sequence[Picture], say: Callable[[str], object]) -> Iterable[str]:
    """Yield what the page says of one table: the table, figures over its runs, figures and settings of its rows."""
    yield f"<h2>{_text(block.traits['dataset'])}</h2><p>{_text(facts_of(block))}</p>"
    yield _table(*cells_of(block, lambda text: f"<strong>{text}</strong>", _text, report.detailed))
    key = tuple(block.traits.values())
    models = ", ".join(dict.fromkeys(row.group.traits["model"] for row in block.rows))
    for picture in drawn:
        if picture.material.groups[0].block == key:
            heading = f"{picture.material.heading}: {picture.name}. Runs of {models}."
            yield _figure(picture.png, heading)
    for row in block.rows[:MOST_RUNS]:
        run = row.group.runs[0]
        of_run = [_figure(content, f"{_name(row, run)}: {name}") for name, content in _figures_of(run, say)]
        if of_run:
            yield f"<details><summary>Figures of {_text(_name(row, run))}</summary>{''.join(of_run)}</details>"
    if len(block.rows) > MOST_RUNS:
        yield f"<p class='small'>Figures of the first {MOST_RUNS} rows; the others are in the folders of the runs.</p>"
    for row in block.rows:
        yield _settings(row)


def _across(blocks: Sequence[Block], drawn: Sequence[Picture]) -> Iterable[str]:
    """Yield the figures over runs of several tables."""
    keys = {tuple(block.traits.values()) for block in blocks}
    across = [picture for picture in drawn if picture.material.groups[0].block not in keys]
    if across:
        yield "<h2>Over several tables</h2>"
    for picture in across:
        yield _figure(picture.png, f"{picture.material.heading}: {picture.name}.")


def _settings(row: Row) -> str:
    """Return what the runs of a row were told, where they are, and how to repeat one."""
    runs = "".join(
        f"<li>seed {run.result.seed}: <code>{_text(shown(run.directory))}</code><br>"
        f"<code>{_text(run.result.command)}</code></li>"
        for run in row.group.runs
    )
    config = {key: value for key, value in row.group.config.items() if defines_the_run(key)}
    table = _table(["setting", "value"], [[_text(key), _text(written(value))] for key, value in config.items()])
    run = row.group.runs[0]
    return (
        f"<details><summary>Settings of {_text(_name(row, run, seeds=True))}</summary><ul>{runs}</ul>{table}</details>"
    )


def _name(row: Row, run: FoundRun, *, seeds: bool = False) -> str:
    which = f"{len(row.group.runs)} runs" if seeds and len(row.group.runs) > 1 else f"seed {run.result.seed}"
    told = f", {row.varied}" if row.varied else ""
    return f"{run.result.model}/{run.result.trainer} on {run.result.dataset}{told}, {which}"


def _figures_of(run: FoundRun, say: Callable[[str], object]) -> Iterable[tuple[str, bytes]]:
    """Yield names and contents of the figures that a run has drawn, but for those that cannot be read."""
    folder = run.directory / "figures"
    try:
        paths = [*entries(folder, "*.png"), *entries(folder, "*.gif")]
    except RunError as error:
        say(f"left out of the page: {error}")
        return
    for path in paths:
        try:
            if path.exists() and not path.is_file():  # reading a pipe would never end
                say(f"left out of the page: {path}: expected a file")
                continue
            content = path.read_bytes()
        except OSError as error:
            say(f"left out of the page: {path}: cannot be read: {error.strerror or error}")
            continue
        yield path.stem, content


def _figure(content: bytes, caption: str) -> str:
    kind = "gif" if content.startswith(b"GIF") else "png"
    encoded = base64.b64encode(content).decode("ascii")
    alt = _text(caption)
    return f"<figure><img alt='{alt}' src='data:image/{kind};base64,{encoded}'><figcaption>{alt}</figcaption></figure>"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    kinds = [" class='words'" if name in (*WORDS, "setting", "value") else "" for name in header]
    head = "".join(f"<th{kind}>{_text(name)}</th>" for kind, name in zip(kinds, header, strict=True))
    lines = "".join(
        f"<tr>{''.join(f'<td{kind}>{cell}</td>' for kind, cell in zip(kinds, row, strict=True))}</tr>" for row in rows
    )
    return f"<div class='scrolls'><table><tr>{head}</tr>{lines}</table></div>"


def _text(text: str) -> str:
    return html.escape(one_line(text), quote=True)
