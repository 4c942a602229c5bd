"""Whether groups of runs can be ranked by a metric, and share an axis or a column of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zsl_runner.config.quantities import Quantity, quantity_of
from zsl_runner.errors import RunError
from zsl_runner.report.groups import Group, metric_of, selected_by


def objectives(groups: Iterable[Group]) -> list[str]:
    """Return the metrics by which the runs of groups that have them were selected; several rank no groups together."""
    found = ((selected_by(run), group) for group in groups for run in group.runs)
    return list(dict.fromkeys(tag for tag, group in found if group.values(tag)))


def shared_quantity(groups: Sequence[Group], tag: str) -> Quantity:
    """Return what the runs that have a metric recorded of it.

    Raises:
        RunError: they disagree on its unit or its better direction.
    """
    runs = [run for group in groups for run in group.runs if metric_of(run, tag) is not None]
    found = [quantity_of(tag, run.result.quantities) for run in runs]
    for run, quantity in zip(runs, found, strict=True):
        if (quantity.unit, quantity.lower_is_better) != (found[0].unit, found[0].lower_is_better):
            raise RunError(
                f"{tag}: recorded in {found[0].unit} by {runs[0].directory} and in {quantity.unit} by {run.directory}; "
                "they cannot share a table or a figure: run one of them again, or name the folders to be compared"
            )
    return found[0] if found else Quantity()
