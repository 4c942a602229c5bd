"""Whether groups of runs can be ranked by a metric, and share an axis or a column of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zsl_runner.config.identity import VALIDATION_ROWS, changes_results
from zsl_runner.config.quantities import Quantity, quantity_of
from zsl_runner.config.quoting import written
from zsl_runner.errors import RunError
from zsl_runner.report.groups import Group, differ, is_constant, metric_of, selected_by
from zsl_runner.report.scaling import KEYS as SCALING


def objectives(groups: Iterable[Group]) -> list[str]:
    """Return the metrics by which the runs of groups that have them were selected; several rank no groups together."""
    found = ((selected_by(run), group) for group in groups for run in group.runs)
    return list(dict.fromkeys(tag for tag, group in found if group.values(tag)))


def validated_alike(groups: Iterable[Group]) -> bool:
    """Tell whether groups were validated on the same rows, as far as their options tell; else validation ranks none."""
    configs = [group.config for group in groups]
    return not any(differ(configs, key) for key in VALIDATION_ROWS)


def options_of_data(groups: Sequence[Group]) -> list[dict[str, str]]:
    """Return for each group the options of the data set, without ``dataset.``, in which groups of a block differ.

    Options that only one model or trainer varies are said with its settings, and the scaling by itself. What was made
    before an option existed does not tell of it.
    """
    configs = [group.config for group in groups]
    keys = sorted({key for config in configs for key in config if key.startswith("dataset.") and changes_results(key)})
    apart = [key for key in keys if key.removeprefix("dataset.") not in SCALING and differ(configs, key)]
    return [
        {
            key.removeprefix("dataset."): written(config[key])
            for key in apart
            if key in config and key not in group.varied and is_constant(key, group)
        }
        for group, config in zip(groups, configs, strict=True)
    ]


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
