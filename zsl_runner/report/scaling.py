"""How the features and class vectors of a row's runs were scaled, which a data set's files do not tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zsl_runner.report.collect import FoundRun
from zsl_runner.report.groups import Group

KEYS = ("feature_scaling", "radius", "semantic_scaling")


def scaling_of(group: Group) -> dict[str, str]:
    """Return the scaling by key of ``dataset``, as the runs recorded it or, before they did, were configured."""
    found = {key: {_shown(value) for run in group.runs if (value := _recorded(run, key)) is not None} for key in KEYS}
    return {key: " | ".join(sorted(values)) for key, values in found.items() if values}


def differing(groups: Sequence[Group]) -> list[str]:
    """Return the keys in which rows of a table that tell their scaling differ."""
    known = [scaling_of(group) for group in groups]
    return [key for key in KEYS if len({scaling[key] for scaling in known if key in scaling}) > 1]


def in_words(scaling: Mapping[str, str]) -> str:
    """Return a scaling in words.

    >>> in_words({"feature_scaling": "center_l2", "radius": "5", "semantic_scaling": "center"})
    'features center_l2 to norm 5, class vectors center'
    """
    radius = f" to norm {scaling['radius']}" if "radius" in scaling else ""
    features = f"features {scaling['feature_scaling']}{radius}" if "feature_scaling" in scaling else ""
    vectors = f"class vectors {scaling['semantic_scaling']}" if "semantic_scaling" in scaling else ""
    return ", ".join(part for part in (features, vectors) if part)


def _recorded(run: FoundRun, key: str) -> Any:
    return run.result.data.get(key, run.config.get(f"dataset.{key}"))


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
