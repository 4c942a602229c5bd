"""When two configurations give the same numbers: what decides them, and hashes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from zsl_runner.config import registry
from zsl_runner.config.fields import neutral_defaults
from zsl_runner.config.identity import changes_results, defines_the_run, flatten
from zsl_runner.config.schema import GROUPS


def what_defines(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dotted keys and values of a resolved configuration that decide what a run computes, but for the seed.

    >>> what_defines({"model": {"latent_dim": 8}, "seed": 3, "debug": {"steps": None}})
    {'model.latent_dim': 8}
    """
    unused = neutral_options(config)
    return {
        key: value
        for key, value in flatten(config).items()
        if defines_the_run(key)
        and not (key in unused and value == unused[key])
        and not (key.startswith("debug.") and not value)
    }


def what_repeats(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys and values in which a run that is continued must not have changed.

    Beside what it computes they are the seed, and whether it looks at test labels on the way.
    """
    flat = flatten(config)
    return what_defines(config) | {key: flat.get(key) for key in ("seed", "evaluator.oracle")}


def fingerprint(config: Mapping[str, Any]) -> str:
    """Return 12 hexadecimal digits, equal for two resolved configurations that would give the same numbers."""
    return _digits(what_repeats(config))


def config_hash(config: Mapping[str, Any]) -> str:
    """Return 12 hexadecimal digits, equal for two resolved configurations that differ in bookkeeping or seed only."""
    return _digits(what_defines(config))


def results_hash(config: Mapping[str, Any]) -> str:
    """Return 12 hexadecimal digits, equal for two resolved configurations whose runs repeat each other in a report."""
    return _digits({key: value for key, value in what_defines(config).items() if changes_results(key)})


def _digits(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:12]


def neutral_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dotted keys of neutral options with their defaults, in the schemas of a configuration's parts."""
    found: dict[str, Any] = {}
    for group in GROUPS:
        part = config.get(group)
        if isinstance(part, Mapping):
            found |= _neutral(group, str(part.get("kind")))
    return found


@cache
def _neutral(group: str, kind: str) -> dict[str, Any]:
    schema = registry.schemas(group).get(kind)
    return {} if schema is None else {f"{group}.{key}": value for key, value in neutral_defaults(schema).items()}
