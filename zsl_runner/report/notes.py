"""What a reader must know beside the tables: runs that are not in them, duplicates, pooled configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zsl_runner.config.quantities import title
from zsl_runner.config.quoting import again
from zsl_runner.files.names import some
from zsl_runner.report.collect import FoundRun
from zsl_runner.report.groups import Group, block_of
from zsl_runner.runs.presence import CUT_SHORT, UNKNOWN, told


def on_groups(groups: Sequence[Group]) -> list[str]:
    """Return notes on groups that pool configurations, and on seeds that were run more than once."""
    notes = _on_pools(groups)
    for group in groups:
        name = f"{_method(group)} on {group.traits['dataset']}"
        for run in group.duplicates:
            of_this_seed = [kept for kept in group.runs if kept.result.seed == run.result.seed]
            used = next((kept for kept in of_this_seed if kept.identity == run.identity), of_this_seed[0])
            agrees = _agree(used, run)
            verdict = "same metrics" if agrees else "DIFFERENT METRICS: the versions or the device may differ"
            notes.append(
                f"{name}: seed {run.result.seed} was run more than once; {used.directory} counts, "
                f"{run.directory} does not ({verdict})"
            )
    return notes


def _agree(one: FoundRun, other: FoundRun) -> bool:
    """Tell whether two runs measured the same where both measured; one of them may have more, as with an oracle."""
    first, second = (run.result.validation | run.result.metrics for run in (one, other))
    return all(first[tag] == second[tag] for tag in first.keys() & second.keys())


def _on_pools(groups: Sequence[Group]) -> list[str]:
    """Return one note on all rows of a data set that pool so many configurations, each name once."""
    alike: dict[tuple[str, int, bool], list[str]] = {}
    for group in groups:
        if group.configurations > 1:
            repeats = len({run.result.seed for run in group.runs}) < len(group.runs)
            alike.setdefault((group.traits["dataset"], group.configurations, repeats), []).append(_method(group))
    notes = []
    for (dataset, configurations, repeats), methods in alike.items():
        pool = "pools" if len(methods) == 1 else "each row pools"
        found = ", ".join(dict.fromkeys(methods))
        counted = "; n counts runs, of which several have one seed" if repeats else ""
        notes.append(f"{found} on {dataset}: {pool} {configurations} configurations, on request (--by){counted}")
    return notes


def _method(group: Group) -> str:
    return f"{group.traits['model']}/{group.traits['trainer']}"


def on_debug_runs(runs: Sequence[FoundRun]) -> list[str]:
    """Return a note on every run that was made for debugging, whatever became of it."""
    return [
        f"debug run, not comparable: {run.directory} "
        f"({', '.join(f'{key}={value}' for key, value in run.result.debug.items())}; {run.state})"
        for run in runs
    ]


def on_unfinished(runs: Sequence[FoundRun]) -> list[str]:
    """Return a note on every run that is not complete: failed ones with their error first."""
    notes = []
    for state in ("failed", "interrupted", CUT_SHORT, UNKNOWN, "running"):
        for run in runs:
            if run.state == state:
                error = run.result.error or {}
                why = f": {error.get('type')}: {_in_one_line(str(error.get('message', '')))}" if error else ""
                words = told(run.directory, run.result)
                notes.append(f"{words}: {run.directory} (seed {run.result.seed}){why}{_remedy(run)}")
    return notes


def _in_one_line(message: str) -> str:
    r"""Return the first line of a message; where that announces indented lines, the first of them and how many more.

    >>> _in_one_line("toy: the data are inconsistent:\n  labels: found 9\n  test: found none\nCorrect the files.")
    'toy: the data are inconsistent: labels: found 9 and 1 more'
    """
    first, *others = message.strip().splitlines() or [""]
    items = [line.strip().removeprefix("- ") for line in others if line.startswith(" ") and line.strip()]
    if not first.endswith(":") or not items:
        return first
    return f"{first} {items[0]}" + (f" and {len(items) - 1} more" if items[1:] else "")


def _remedy(run: FoundRun) -> str:
    """Return the command that goes on with a run that was stopped."""
    if run.state in ("interrupted", CUT_SHORT):
        return f"; continue with: {again(run.directory)}"
    return f"; if it does not: {again(run.directory)}" if run.state == UNKNOWN else ""


def on_unmeasured(runs: Sequence[FoundRun], columns: Mapping[tuple[str, ...], list[str]]) -> list[str]:
    """Return a note on the complete runs that have none of the columns of their block."""
    alike: dict[str, list[FoundRun]] = {}
    for run in runs:
        wanted = ", ".join(title(tag) for tag in columns[block_of(run)]) or "test metrics"
        alike.setdefault(wanted, []).append(run)
    notes = []
    for wanted, found in alike.items():
        notes.append(f"complete but without {wanted}: {some(str(run.directory) for run in found)}")
    return notes
