"""What a run prints at its end: its figures, and where everything is."""

from __future__ import annotations

import io
import shlex
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from zsl_runner.result import Result
from zsl_runner.tracking.progress import duration

FIRST = ("T1", "U", "S", "H", "AUSUC", "U_cal", "S_cal", "H_cal")


def summary_table(result: Result, directory: Path) -> str:
    """Return the result of one run as text: the figures, their conditions, and the places to look next.

    Args:
        result: the run's record.
        directory: the run's directory.
    """
    buffer = io.StringIO()
    console = Console(file=buffer, width=100, no_color=True, highlight=False)
    console.print(f"{result.model} on {result.dataset}, trainer {result.trainer}, seed {result.seed}: {result.status}")
    if result.error:
        console.print(f"{result.error.get('type')}: {result.error.get('message')}", markup=False)
    names = _names(result)
    if names:
        console.print(_figures(result, names))
    console.print("\n".join(_conditions(result)), markup=False, soft_wrap=True)
    figures = sorted((directory / "figures").glob("*.png"))
    if figures:
        console.print(f"figures      {directory / 'figures'}/", markup=False, soft_wrap=True)
        console.print(f"             {', '.join(path.name for path in figures)}", markup=False, soft_wrap=True)
    console.print(f"run          {directory}", markup=False, soft_wrap=True)
    command = f"tensorboard --logdir {shlex.quote(str(_all_runs(directory)))}"
    console.print(f"TensorBoard  {command}", markup=False, soft_wrap=True)
    return buffer.getvalue().rstrip("\n")


def _names(result: Result) -> list[str]:
    """Return the names of the metrics, the usual ones first."""
    tags = (*result.metrics, *result.validation)
    found = [tag.partition("/")[2] for tag in tags if not tag.startswith("oracle/")]
    known = [name for name in FIRST if name in found]
    return known + sorted(set(found) - set(known))


def _figures(result: Result, names: list[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("per cent")
    for name in names:
        table.add_column(name, justify="right")
    for label, prefix, values in (("test", "test", result.metrics), ("validation", "val", result.validation)):
        cells = [values.get(f"{prefix}/{name}") for name in names]
        if any(cell is not None for cell in cells):
            table.add_row(label, *("" if cell is None else f"{cell:.1f}" for cell in cells))
    return table


def _conditions(result: Result) -> list[str]:
    data, setting, selection, cost = result.data, result.setting, result.selection, result.cost
    lines = []
    oracle = {tag.partition("/")[2]: value for tag, value in result.metrics.items() if tag.startswith("oracle/")}
    if oracle:
        shown = ", ".join(f"{name} {value:.1f}" for name, value in oracle.items())
        lines.append(f"oracle       {shown} (looked at test labels; not a result)")
    if data:
        kind = "" if data.get("kind") == "real" else f"  [{data.get('kind')}]"
        lines.append(f"features     {data.get('feature_kind')}{kind}")
        lines.append(f"classes      {data.get('semantics')}; split {data.get('split_version')}")
    if setting:
        lines.append(f"setting      {setting.get('kind')}, unseen class prior {setting.get('class_prior')}")
    if selection:
        lengths = ", ".join(f"{stage} {length}" for stage, length in selection.get("stage_lengths", {}).items())
        lines.append(f"selection    {selection.get('mode')} on {selection.get('metric', 'val/H')}; steps {lengths}")
    if cost:
        lines.append(f"cost         {duration(cost['wall_seconds'])}, peak memory {cost['peak_memory_mb']:.0f} MB")
    return lines


def _all_runs(directory: Path) -> Path:
    """Return the folder whose runs TensorBoard should show together: the one above model and data set."""
    return directory.parents[2] if len(directory.parts) > 3 else directory
