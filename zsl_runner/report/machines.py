"""What the runs of a row were computed on and by what: seconds and last digits depend on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zsl_runner.files.names import some
from zsl_runner.report.collect import FoundRun
from zsl_runner.report.groups import Group
from zsl_runner.runs.result import tree_of

_RECORDED: dict[str, Callable[[FoundRun], str | None]] = {
    "device": lambda run: run.result.versions.get("device"),
    "torch": lambda run: run.result.versions.get("torch"),
    "commit": lambda run: tree_of(run.result.git) if run.result.git else None,
}
_WORDS = {"device": "devices ", "torch": "torch ", "commit": "commits "}


def recorded(group: Group, name: str) -> list[str]:
    """Return the different values of ``device``, ``torch`` or ``commit`` that runs of a group recorded, sorted."""
    return sorted({str(value) for run in group.runs if (value := _RECORDED[name](run))})


def on_machines(groups: Sequence[Group]) -> list[str]:
    """Return notes on rows whose runs had different devices, versions of torch or commits; alike ones in one note."""
    alike: dict[tuple[str, str], list[str]] = {}
    for group in groups:
        found = {name: recorded(group, name) for name in _RECORDED}
        differing = [f"{_WORDS[name]}{' and '.join(values)}" for name, values in found.items() if len(values) > 1]
        if differing:
            row = f"{group.traits['model']}/{group.traits['trainer']}"
            key = (group.traits["dataset"], ", ".join(differing))
            alike.setdefault(key, []).append(f"{row} ({group.differs})" if group.differs else row)
    return [
        f"{some(dict.fromkeys(rows))} on {dataset}: runs of {'one' if len(rows) == 1 else 'each'} row had {differing}"
        for (dataset, differing), rows in alike.items()
    ]
