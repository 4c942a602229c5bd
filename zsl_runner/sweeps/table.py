"""The table at the end of a sweep, made of what its jobs wrote. Never imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zsl_runner.config.paths import shown
from zsl_runner.config.quantities import quantity_of
from zsl_runner.errors import RunError
from zsl_runner.runs.presence import CUT_SHORT, state_of
from zsl_runner.runs.result import Result
from zsl_runner.sweeps.notes import Note, Plan, read_notes
from zsl_runner.tracking.progress import duration

_STATES = {
    "complete": "complete",
    "failed": "failed",
    "interrupted": "interrupted",
    "running": "still running",
    "lost": "cut short: its process is gone",
    "unknown": "unknown whether it still runs",
    "absent": "not started, or still waiting",
}


@dataclass(frozen=True)
class Line:
    """What became of one job.

    Attributes:
        number: its number in the sweep.
        run: its run's directory; if there is none its overrides, of those that all jobs share none.
        state: a key of the states' explanations.
        cells: status, metrics and time in words.
        reason: why it is not complete, if that is known.
    """

    number: int
    run: str
    state: str
    cells: tuple[str, str, str]
    reason: str = ""


def outcome(folder: Path, objectives: list[str]) -> tuple[str, bool]:
    """Return the table of all jobs of a sweep, and whether all their runs are complete.

    Args:
        folder: the sweep's folder.
        objectives: the metrics to show; if empty the one each run was selected by.
    """
    lines = _lines(folder, objectives)
    counts = {state: sum(line.state == state for line in lines) for state in _STATES}
    header = ("job", "run", "status", "validation", "time")
    rows = [(str(line.number), line.run, *line.cells) for line in lines]
    parts = [_aligned([header, *rows])] if rows else []
    parts += [f"job {line.number}: {line.reason}" for line in lines if line.reason]
    told = [f"{counts[state]} {words}" for state, words in _STATES.items() if counts[state] and state != "complete"]
    parts.append("; ".join([f"{counts['complete']} of {len(lines)} runs complete", *told]))
    if told:
        parts.append(
            "Repeat the command to continue unfinished runs; with existing=retry it continues failed ones, too."
        )
    return "\n".join(parts), not told


def _lines(folder: Path, objectives: list[str]) -> list[Line]:
    """Return the lines of all jobs in order, also of those that never began."""
    plan = Plan.load(folder)
    lines = {note.number: _line(note, objectives, plan.swept) for note in read_notes(folder)}
    for number in range(plan.jobs or 0):
        lines.setdefault(number, Line(number, "", "absent", (_STATES["absent"], "", "")))
    return [lines[number] for number in sorted(lines)]


def _line(note: Note, objectives: list[str], swept: list[str]) -> Line:
    if note.directory is None:
        varied = [override for override in note.overrides if override.partition("=")[0].lstrip("+") in swept]
        return _without_result(note, " ".join(varied or note.overrides))
    directory = Path(note.directory)
    try:
        result = Result.load(directory)
    except RunError:
        return _without_result(note, shown(directory))
    state = _state(directory, result)
    names = objectives or [str(result.selection.get("metric"))]
    metrics = ", ".join(_metric(result, name) for name in names if name in result.validation)
    words = _STATES[state] + (" before" if note.was_complete else "")
    seconds = result.cost.get("wall_seconds")
    reason = note.error or ""
    if state == "complete" and not note.lacks_objective:
        reason = ""  # another process had the run when its job looked, and has completed it since
    elif state == "complete":
        state, words = "failed", "complete, without its objective"
    elif state == "failed" and result.error:
        reason = f"{result.error.get('type')}: {result.error.get('message')}; see {shown(directory / 'error.txt')}"
    cells = (words, metrics, "" if seconds is None else duration(seconds))
    return Line(note.number, shown(directory), state, cells, reason)


def _state(directory: Path, result: Result) -> str:
    state = state_of(directory, result)
    return "lost" if state == CUT_SHORT else state


def _without_result(note: Note, run: str) -> Line:
    state = "failed" if note.error else "lost"
    return Line(note.number, run, state, (_STATES[state], "", ""), note.error or "")


def _metric(result: Result, name: str) -> str:
    return f"{name} {result.validation[name]:.{quantity_of(name, result.quantities).digits}f}"


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
