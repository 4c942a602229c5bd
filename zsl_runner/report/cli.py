"""The command ``zsl-report``: tables over runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from zsl_runner.console import frame
from zsl_runner.console.arguments import completing, positive
from zsl_runner.console.terminal import require_printed
from zsl_runner.report.collect import collect
from zsl_runner.report.formats import FORMATS
from zsl_runner.report.groups import TRAITS
from zsl_runner.report.section import replace_section
from zsl_runner.report.table import build
from zsl_runner.report.values import parted
from zsl_runner.report.where import narrowed

DESCRIPTION = """\
Read every result.json below the given folders, group runs that differ in nothing but the seed, and print
mean ± standard deviation. Inductive and transductive runs, and runs with different features, side information or
splits, never share a table. Runs that failed, were interrupted, are still running or were made for debugging are
listed below the tables, never dropped."""

EXAMPLES = """\
examples:
  zsl-report outputs
  zsl-report outputs/sgal/cub outputs/eszsl/cub --sort H --baseline eszsl
  zsl-report outputs --where latent_dim=8,16 --where 'seed<3' --top 5
  zsl-report outputs --metric H --baseline sgal/em,latent_dim=32 --cost
  zsl-report outputs --metric val/H --by model,dataset,model.latent_dim
  zsl-report outputs --format latex > table.tex
  zsl-report outputs --into docs/results.md --section main
  zsl-report outputs --plot figures
  zsl-report outputs --html page
  zsl-report --diff outputs/sgal/cub/seed-0 outputs/sgal/cub/latent_dim-32+seed-0

Of several complete runs with the same configuration and seed only the one started first counts; the others are
listed, and a note says so if their metrics differ. With five pairs or more, differences from a baseline are tested by
the paired t test over common seeds (two-sided, adjusted after Holm for the rows of a table). Published results that
an experiment file quotes are compared only with runs of the same features, data set, side information, split, setting
and class prior; --reference lists all of them.

--plot draws, for every table: a metric against each swept parameter, or parallel coordinates and a scatter plot of a
search; U against S; plasticity against stability along a swept parameter, or the second of two metrics of --metric
against the first; tables of results as heat maps; validation metrics over training, those of --metric if it is given;
learning curves of each group.
Means and bands are over seeds."""


TABLES = ("sort", "top", "unfold", "baseline", "reference", "cost")
"""Options of tables alone."""
OTHER_FORMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "diff": ("compares two runs", ("by", "metric", "where", *TABLES, "plot", "html")),
    "plot": ("draws figures", (*TABLES, "format", "into", "html")),
    "html": ("writes a page", ("format", "into")),
}
"""Options that ask for something else than tables: what they do, and which options do not go with them."""


def parser() -> argparse.ArgumentParser:
    """Return the command's argument parser."""
    made = argparse.ArgumentParser(
        prog="zsl-report",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("folders", nargs="+", type=Path, metavar="OUTPUTS", help="folders to search for runs")
    columns = ", ".join(TRAITS)
    made.add_argument(
        "--by",
        action="extend",
        type=_names,
        metavar="KEY,...",
        help=f"group runs by these only ({columns}, or configuration keys); default: everything but the seed",
    )
    made.add_argument(
        "--metric",
        action="extend",
        type=_names,
        metavar="NAME,...",
        help="columns: T1, H, AUSUC, H_cal, NCLL, NCLL_se, ... or tags like val/H, oracle/H_cal; default: T1, U, S, H, "
        "for their tasks also mU, mS, mH and forg_tag, with calibrated and oracle metrics; of data that are not "
        "zero-shot all test metrics",
    )
    made.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="only runs for which this holds; several must all hold. KEY is seed, a column as in --by, a metric or a "
        "configuration key (its last part is enough); also !=, <, <=, >, >= and KEY=ONE,OTHER",
    )
    made.add_argument(
        "--format", choices=["text", *sorted(FORMATS)], help="default: text (aligned) on a terminal, otherwise md"
    )
    made.add_argument("--sort", metavar="NAME", help="sort the rows of a table by this metric, best first")
    made.add_argument(
        "--top",
        type=positive,
        metavar="N",
        help="show only the N best rows of each table, by --sort or else by the validation metric that selected them; "
        "rows without it stay",
    )
    made.add_argument(
        "--unfold", action="store_true", help="show a row for each setting of a search, not only the one it chose"
    )
    made.add_argument(
        "--baseline",
        metavar="MODEL[/TRAINER][,KEY=VALUE]",
        help="add differences from this row, paired by seed, and their p values",
    )
    made.add_argument("--reference", action="store_true", help="list what experiment files quote as published results")
    made.add_argument("--cost", action="store_true", help="also show CPU time, peak memory, gradient steps and device")
    made.add_argument(
        "--plot", type=Path, metavar="DIR", help="draw figures into this folder (PNG) instead of tables; see below"
    )
    made.add_argument(
        "--html",
        type=Path,
        metavar="DIR",
        help="write tables, figures and settings into DIR/report.html, a single page that can be mailed",
    )
    made.add_argument(
        "--diff", action="store_true", help="show how two runs differ instead of tables: zsl-report --diff RUN RUN"
    )
    made.add_argument("--into", type=Path, metavar="FILE", help="replace a section of this file instead of printing")
    made.add_argument(
        "--section", metavar="NAME", help="the section between <!-- zsl-report:NAME --> and <!-- /zsl-report:NAME -->"
    )
    return made


def _names(text: str) -> list[str]:
    return [name for name in parted(text) if name]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return frame.run("zsl-report", lambda: _work(argv))


def _work(argv: Sequence[str] | None) -> int:
    arguments = completing(parser())
    options = arguments.parse_args(argv)
    if (options.into is None) != (options.section is None):
        arguments.error("--into FILE and --section NAME belong together")
    if options.diff and (len(options.folders) != 2 or options.format in ("csv", "latex")):
        arguments.error("--diff compares two runs, as text or md: zsl-report --diff RUN RUN")
    given = {name for name, value in vars(options).items() if value != arguments.get_default(name)}
    for form, (does, excluded) in OTHER_FORMS.items():
        unfit = [f"--{name}" for name in excluded if name in given]
        if form in given and unfit:
            arguments.error(f"--{form} {does}, and does not go with {', '.join(unfit)}")
    if options.diff:
        text = _difference(options.folders, _form(options))
        return _show(text) if options.into is None else _replace(options, text, "the differences between two runs")
    found = collect(options.folders)
    findings = narrowed(found, options.where)
    if found.runs and not findings.runs:
        asked = " ".join(f"--where {condition}" for condition in options.where)
        print(f"zsl-report: none of {len(found.runs)} runs meets {asked}", file=sys.stderr)
    if options.plot is not None:
        from zsl_runner.report.plots.command import plot

        written = plot(findings, options.plot, options.by, options.metric, partial(print, file=sys.stderr))
        print("\n".join(str(path) for path in written))
        return 0
    report = build(
        findings,
        options.by,
        options.metric,
        options.sort,
        options.baseline,
        options.reference,
        options.cost,
        top=options.top,
        fold=not options.unfold,
    )
    if options.html is not None:
        from zsl_runner.report.page import write_page

        say = partial(print, file=sys.stderr)
        return _show(f"{write_page(report, findings, options.html, options.by, options.metric, say)}\n")
    form = _form(options)
    if form == "text":
        from zsl_runner.report.terminal import aligned

        text = aligned(report)
    else:
        text = FORMATS[form](report)
    return _show(text) if options.into is None else _replace(options, text, f"{len(report.blocks)} tables")


def _form(options: argparse.Namespace) -> str:
    return options.format or ("text" if sys.stdout.isatty() and options.into is None else "md")


def _difference(runs: Sequence[Path], form: str) -> str:
    from zsl_runner.report.difference import compared, markdown

    comparison = compared(*runs)
    if form == "text":
        from zsl_runner.report.terminal import side_by_side

        return side_by_side(comparison)
    return markdown(comparison)


def _replace(options: argparse.Namespace, text: str, what: str) -> int:
    replace_section(options.into, options.section, text)
    return _show(f"{options.into}: section {options.section} written, {what}\n")


def _show(text: str) -> int:
    sys.stdout.write(text)
    require_printed()
    return 0
