"""What a run prints at its end: its metrics, and where everything is."""

from __future__ import annotations

import io
import math
import re
import shlex
from pathlib import Path
from shutil import get_terminal_size

from rich import box
from rich.console import Console
from rich.table import Table

from zsl_runner.config.quantities import STANDARD_ERROR, is_standard_error, quantity_of
from zsl_runner.console.terminal import expressible
from zsl_runner.files.folders import entries
from zsl_runner.runs.result import Result
from zsl_runner.tracking.progress import duration
from zsl_runner.tracking.table import EVENTS

FIRST = ("T1", "U", "S", "H", "AUSUC", "U_cal", "S_cal", "H_cal")
WIDEST = 100
"""Characters of a table; no more than the terminal has."""


WITHOUT_CLASS_VECTORS = re.compile(
    r"(semi-supervised|unsupervised|weakly supervised|fully supervised|continual, \d+ tasks$)"
)
"""Settings whose classes are known by name alone; tasks of zero-shot data name their setting after their number."""


def semantics_are(setting: str) -> str:
    """Return in a word what ``semantics`` in a record describes, by the setting the run was made in.

    >>> semantics_are("inductive"), semantics_are("supervised"), semantics_are("semi-supervised, 100 labels")
    ('side information', 'outputs', 'labels')
    >>> semantics_are("continual, 5 tasks"), semantics_are("continual, 5 tasks, static")
    ('labels', 'side information')
    """
    if setting == "supervised":
        return "outputs"
    return "labels" if WITHOUT_CLASS_VECTORS.match(setting) else "side information"


def summary_table(result: Result, directory: Path) -> str:
    """Return the result of one run as text: the metrics, their conditions, and the places to look next.

    Args:
        result: the run's record.
        directory: the run's directory.
    """
    lines = [f"{result.model} on {result.dataset}, trainer {result.trainer}, seed {result.seed}: {result.status}"]
    if result.error:
        lines.append(f"{result.error.get('type')}: {result.error.get('message')}")
    lines += [f"WARNING: {warning}" for warning in result.warnings]
    for unit, names in _names(result).items():
        lines += _drawn(_metrics(result, unit, names))
    lines += _conditions(result)
    figures = entries(directory / "figures", "*.png")
    if figures:
        lines.append(f"figures      {directory / 'figures'}/")
        lines.append(f"             {', '.join(path.name for path in figures)}")
    lines.append(f"run          {directory}")
    if entries(directory, EVENTS):
        lines.append(f"TensorBoard  tensorboard --logdir {shlex.quote(str(_all_runs(directory)))}")
    return "\n".join(lines)


def _drawn(table: Table) -> list[str]:
    """Return the lines of a table, also in a notebook, where rich would show it itself."""
    buffer = io.StringIO()
    Console(file=buffer, width=WIDEST, no_color=True, highlight=False, force_terminal=False, force_jupyter=False).print(
        table
    )
    return [line.rstrip() for line in buffer.getvalue().splitlines()]


def _bounds(result: Result) -> dict[str, float]:
    """Return the metrics on test rows of a run whose training saw too much for ``test/...``; empty for any other."""
    if any(tag.startswith("test/") for tag in result.metrics):
        return {}
    return {tag: value for tag, value in result.metrics.items() if f"val/{tag.partition('/')[2]}" in result.validation}


def _names(result: Result) -> dict[str, list[str]]:
    """Return the names of the metrics by unit, the usual ones first, the others as they were recorded.

    A standard error stands beside its metric and is none of its own.
    """
    tags = [tag for tag in (*result.metrics, *result.validation) if not tag.startswith("oracle/")]
    found = dict.fromkeys(tag.partition("/")[2] for tag in tags if not is_standard_error(tag))
    units: dict[str, list[str]] = {}
    for name in [*(name for name in FIRST if name in found), *(name for name in found if name not in FIRST)]:
        units.setdefault(quantity_of(f"test/{name}", result.quantities).unit, []).append(name)
    return units


def _metrics(result: Result, unit: str, names: list[str]) -> Table:
    """Return the metrics of one unit, a column for each metric; a line for each where the columns are too wide."""
    tags = {*result.metrics, *result.validation}
    errors = any(f"{prefix}/{name}{STANDARD_ERROR}" in tags for prefix in ("test", "val") for name in names)
    corner = f"{unit}, ± standard error" if errors else unit
    sets = (
        ("test", "test", result.metrics),
        ("oracle", "oracle", _bounds(result)),
        ("validation", "val", result.validation),
    )
    lines = [[label, *(_cell(result, values, f"{prefix}/{name}") for name in names)] for label, prefix, values in sets]
    lines = [[corner, *names], *(line for line in lines if any(line[1:]))]
    lines = [[expressible(cell) for cell in line] for line in lines]
    if sum(max(map(len, column)) + 2 for column in zip(*lines, strict=True)) > min(
        get_terminal_size((WIDEST, 0)).columns, WIDEST
    ):
        lines = [list(line) for line in zip(*lines, strict=True)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(lines[0][0], no_wrap=True)
    for name in lines[0][1:]:
        table.add_column(name, justify="right", no_wrap=True)
    for line in lines[1:]:
        table.add_row(*line)
    return table


def _cell(result: Result, values: dict[str, float], tag: str) -> str:
    """Return a value and, if it was recorded, its standard error; nothing if there is no value."""
    if tag not in values:
        return ""
    error = values.get(f"{tag}{STANDARD_ERROR}")
    return f"{_number(result, tag, values[tag])}{'' if error is None else f' ± {_number(result, tag, error)}'}"


def _number(result: Result, tag: str, value: float) -> str:
    """Return a value with the digits of its quantity; a dash for one that is undefined, of which a warning says why."""
    return "-" if math.isnan(value) else f"{value:.{quantity_of(tag, result.quantities).digits}f}"


def _conditions(result: Result) -> list[str]:
    """Return the conditions there are: classes described by vectors and their prior belong to zero-shot data alone."""
    data, setting, selection, cost = result.data, result.setting, result.selection, result.cost
    lines = []
    bounds = _bounds(result)
    looked = (tag for tag in result.metrics if tag.startswith("oracle/") and tag not in bounds)
    if oracle := [tag for tag in looked if not is_standard_error(tag)]:
        shown = ", ".join(f"{tag.partition('/')[2]} {_number(result, tag, result.metrics[tag])}" for tag in oracle)
        lines.append(f"oracle       {shown} (looked at test labels; not a result)")
    if data:
        kind = "" if data.get("kind") == "real" else f"  [{data.get('kind')}]"
        semantics = semantics_are(str(setting.get("kind")))
        zero_shot = semantics == "side information"
        lines.append(f"{'features' if zero_shot else 'data':<12} {data.get('feature_kind')}{kind}")
        described = f"{data['semantics']}; " if data.get("semantics") else ""
        label = "split" if not described else "classes" if zero_shot else semantics
        lines.append(f"{label:<12} {described}{'split ' if described else ''}{data.get('split_version')}")
    if result.debug:
        options = ", ".join(f"{key} {value}" for key, value in result.debug.items())
        lines.append(f"debug        {options}: comparable with nothing, in no table")
    if setting:
        known = [("drawn with seed", "shots_seed"), ("unseen class prior", "class_prior")]
        told = [str(setting.get("kind")), *(f"{what} {setting[key]}" for what, key in known if key in setting)]
        lines.append(f"setting      {', '.join(told)}")
    if selection:
        lengths = ", ".join(f"{stage} {length}" for stage, length in selection.get("stage_lengths", {}).items())
        offset = selection.get("calibration_offset")
        calibrated = "" if offset is None else f"; offset of seen classes {offset:.4g}"
        how = f"{selection.get('mode')} on {selection.get('metric', 'val/H')}"
        lines.append(f"selection    {how}; steps {lengths}{calibrated}")
    if cost:
        on_device = f", on the GPU {cost['device_memory_mb']:.0f} MB" if "device_memory_mb" in cost else ""
        memory = f"peak memory {cost['peak_memory_mb']:.0f} MB{on_device}"
        lines.append(f"cost         {duration(cost['wall_seconds'])}, {memory}")
    return lines


def _all_runs(directory: Path) -> Path:
    """Return the folder whose runs TensorBoard should show together: the one above model and data set."""
    return directory.parents[2] if len(directory.parts) > 3 else directory
