"""Our results beside those the experiment file of a run quotes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from zsl_runner.config.quantities import Quantity, title
from zsl_runner.report.collect import FoundRun
from zsl_runner.report.groups import Average, Group
from zsl_runner.report.values import meaning

METRICS = "reference.metrics."
MEASURED_ON: dict[str, tuple[str, Callable[[FoundRun], str]]] = {
    "dataset": ("data set", lambda run: run.result.dataset),
    "semantics": ("side information", lambda run: _name(run.result.data.get("semantics", "unknown"))),
    "split": ("split", lambda run: str(run.result.data.get("split_version", "unknown"))),
    "setting": ("setting", lambda run: str(run.result.setting.get("kind", "unknown"))),
    "class_prior": ("class prior", lambda run: str(run.result.setting.get("class_prior", "none"))),
}
"""What published results hold for, by key of ``reference.of``: what it is in words, and what a run's record says."""


def deviation(group: Group, cells: Mapping[str, Average | None], quantities: Mapping[str, Quantity]) -> str:
    """Return in words how far a row is from its published results; empty unless they were measured on the same.

    Args:
        group: the row's runs. Where they quote different results, or only some quote any, as in a row that pools
            experiments, none is the row's.
        cells: its averages by tag.
        quantities: units and decimals by tag.
    """
    if _obstacles(group):
        return ""
    published, parts = _published(group), []
    for tag, cell in cells.items():
        if cell is not None and tag in published:
            digits = quantities[tag].digits
            parts.append(f"{title(tag)} {cell.mean - published[tag]:+.{digits}f} from {published[tag]:.{digits}f}")
    origin = [str(group.runs[0].config.get("reference.source")), *_notes(group)]
    return f"{', '.join(parts)} ({'; '.join(origin)})" if parts else ""


def quoted(groups: Iterable[Group]) -> list[str]:
    """Return a note on every group whose experiment file quotes results: what they are, and whether they compare."""
    notes = []
    for group in groups:
        digits = {tag: group.quantity(tag).digits for tag in _published(group)}
        listed = ", ".join(f"{title(tag)} {value:.{digits[tag]}f}" for tag, value in _published(group).items())
        if not listed:
            continue
        config, obstacles = group.runs[0].config, _obstacles(group)
        note = f" ({'; '.join(_notes(group))})" if _notes(group) else ""
        theirs = config.get("reference.feature_kind") or "features nobody named"
        verdict = f"NOT compared: {'; '.join(obstacles)}" if obstacles else "compared"
        notes.append(
            f"published: {group.traits['model']}/{group.traits['trainer']} on {group.traits['dataset']}: {listed}"
            f"{note}, {config.get('reference.source') or 'no source named'}, on {theirs}; {verdict}"
        )
    return list(dict.fromkeys(notes))


def _obstacles(group: Group) -> list[str]:
    """Return in words why the published results are not of what the runs of a group measured; empty if they are."""
    if not _is_shared(group):
        return ["other runs of the row quote other results"]
    return list(dict.fromkeys(obstacle for run in group.runs for obstacle in _differences(run)))


def _differences(run: FoundRun) -> Iterable[str]:
    """Yield in what the record of a run differs from what its published results hold for."""
    theirs, ours = run.config.get("reference.feature_kind"), run.result.data.get("feature_kind", "unknown")
    if not theirs or theirs != ours:
        yield f"ours are {ours}"
    held = {key: str(run.config.get(f"reference.of.{key}") or "") for key in MEASURED_ON}
    if untold := [MEASURED_ON[key][0] for key in _needed(run) if not held[key]]:
        yield f"nobody said of which {', '.join(untold)} they are (reference.of)"
    for key, (words, recorded) in MEASURED_ON.items():
        if held[key] and held[key] != recorded(run):
            yield f"{words} {recorded(run)}, theirs is {held[key]}"


def _needed(run: FoundRun) -> list[str]:
    """Return what must be said of published results before a run is compared with them, as its data have it."""
    needed = ["dataset", "split", "setting"]
    if "class_prior" in run.result.setting:  # of zero-shot data, which alone have class vectors
        needed.append("semantics")
    if str(run.result.setting.get("kind")).startswith("transductive"):
        needed.append("class_prior")
    return needed


def _name(semantics: object) -> str:
    """Return the name of class vectors by what records say of them.

    >>> _name("att of att_splits.mat: 312-d, unit L2 in the file"), _name("att")
    ('att', 'att')
    """
    return str(semantics).partition(" of ")[0]


def _is_shared(group: Group) -> bool:
    """Tell whether all runs of a group quote the same results; what is noted of them may differ."""
    quotations = [
        {
            key: meaning(value)
            for key, value in run.config.items()
            if key.startswith(("reference.source", "reference.feature_kind", METRICS))
        }
        for run in group.runs
    ]
    return all(quotation == quotations[0] for quotation in quotations)


def _notes(group: Group) -> list[str]:
    """Return how the published results were obtained, in each wording that runs of the group have."""
    found = (run.config.get("reference.note") for run in group.runs)
    return list(dict.fromkeys(str(note) for note in found if note))


def _published(group: Group) -> dict[str, float]:
    return {
        key.removeprefix(METRICS): value
        for key, value in group.runs[0].config.items()
        if key.startswith(METRICS) and isinstance(value, (int, float))
    }
