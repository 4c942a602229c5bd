"""Our results beside those the experiment file of a run quotes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zsl_runner.config.quantities import Quantity, title
from zsl_runner.report.groups import Average, Group
from zsl_runner.report.values import meaning

METRICS = "reference.metrics."


def deviation(group: Group, cells: Mapping[str, Average | None], quantities: Mapping[str, Quantity]) -> str:
    """Return in words how far a row is from its published results; empty unless they are of the same features.

    Args:
        group: the row's runs. Where they quote different results, or only some quote any, as in a row that pools
            experiments, none is the row's.
        cells: its averages by tag.
        quantities: units and decimals by tag.
    """
    if not (_is_comparable(group) and _is_shared(group)):
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
        digits = {tag: group.quantity(tag).digits for tag in _published(group)}
        listed = ", ".join(f"{title(tag)} {value:.{digits[tag]}f}" for tag, value in _published(group).items())
        if not listed:
            continue
        config, ours = run.config, run.result.data.get("feature_kind", "unknown")
        note = f" ({config['reference.note']})" if config.get("reference.note") else ""
        theirs = config.get("reference.feature_kind") or "features nobody named"
        verdict = "compared" if _is_comparable(group) else f"NOT compared: ours are {ours}"
        if not _is_shared(group):
            verdict = "NOT compared: other runs of the row quote other results"
        notes.append(
            f"published: {group.traits['model']}/{group.traits['trainer']} on {group.traits['dataset']}: {listed}"
            f"{note}, {config.get('reference.source') or 'no source named'}, on {theirs}; {verdict}"
        )
    return list(dict.fromkeys(notes))


def _is_comparable(group: Group) -> bool:
    features = group.runs[0].config.get("reference.feature_kind")
    return bool(features) and features == group.runs[0].result.data.get("feature_kind")


def _is_shared(group: Group) -> bool:
    """Tell whether all runs of a group quote the same results; what is noted of them may differ."""
    quotations = [
        {k: meaning(v) for k, v in run.config.items() if k.startswith("reference.") and k != "reference.note"}
        for run in group.runs
    ]
    return all(quotation == quotations[0] for quotation in quotations)


def _published(group: Group) -> dict[str, float]:
    return {
        key.removeprefix(METRICS): value
        for key, value in group.runs[0].config.items()
        if key.startswith(METRICS) and isinstance(value, (int, float))
    }
