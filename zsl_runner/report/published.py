"""Our results beside those the experiment file of a run quotes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zsl_runner.config.quantities import quantity_of, title
from zsl_runner.config.schema import Quantity
from zsl_runner.report.groups import Average, Group

METRICS = "reference.metrics."


def deviation(group: Group, cells: Mapping[str, Average | None], quantities: Mapping[str, Quantity]) -> str:
    """Return in words how far a row is from its published results; empty unless they are of the same features.

    Args:
        group: the row's runs.
        cells: its averages by tag.
        quantities: units and decimals by tag.
    """
    if not _is_comparable(group):
        return ""
    published, parts = _published(group), []
    for tag, cell in cells.items():
        if cell is not None and tag in published:
            digits = quantities[tag].digits
            parts.append(f"{title(tag)} {cell.mean - published[tag]:+.{digits}f} from {published[tag]:.{digits}f}")
    return f"{', '.join(parts)} ({group.runs[0].config.get('reference.source')})" if parts else ""


def quoted(groups: Iterable[Group]) -> list[str]:
    """Return a note on every group whose experiment file quotes results: what they are, and whether they compare."""
    notes = []
    for group in groups:
        run = group.runs[0]
        digits = {tag: quantity_of(tag, run.result.quantities).digits for tag in _published(group)}
        listed = ", ".join(f"{title(tag)} {value:.{digits[tag]}f}" for tag, value in _published(group).items())
        if not listed:
            continue
        config, ours = run.config, run.result.data.get("feature_kind", "unknown")
        note = f" ({config['reference.note']})" if config.get("reference.note") else ""
        theirs = config.get("reference.feature_kind") or "features nobody named"
        verdict = "compared" if _is_comparable(group) else f"NOT compared: ours are {ours}"
        notes.append(
            f"published: {group.traits['model']}/{group.traits['trainer']} on {group.traits['dataset']}: {listed}"
            f"{note}, {config.get('reference.source') or 'no source named'}, on {theirs}; {verdict}"
        )
    return list(dict.fromkeys(notes))


def _is_comparable(group: Group) -> bool:
    features = group.runs[0].config.get("reference.feature_kind")
    return bool(features) and features == group.runs[0].result.data.get("feature_kind")


def _published(group: Group) -> dict[str, float]:
    return {
        key.removeprefix(METRICS): value
        for key, value in group.runs[0].config.items()
        if key.startswith(METRICS) and isinstance(value, (int, float))
    }
