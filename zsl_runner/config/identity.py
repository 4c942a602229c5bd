"""Which configuration keys can change a run's numbers; from them its hash and the name of its directory follow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

BOOKKEEPING = frozenset(
    {
        "task",
        "seed",
        "name",
        "outputs",
        "resume",
        "existing",
        "objectives",
        "tracker",
        "checkpoint",
        "reference",
        "experiment",
        "hydra",
        "dataset.root",
        "dataset.cache",
        "evaluator.batch_size",
        "evaluator.oracle",
        "runtime.device",
        "runtime.threads",
        "runtime.finite_every",
    }
)
"""Keys, and the keys below them, that name, place, log or repeat a run without defining what it computes."""

LATER = {
    "model.weights": None,
    "model.correlation.centred": False,
    "model.correlation.power": 1.0,
    "model.correlation.tagged": False,
    "trainer.classify.frozen_statistics": False,
    "trainer.contrast.frozen_statistics": False,
}
"""Keys that came with later versions, with the values that change nothing: with them a run is as before."""


def defines_the_run(key: str) -> bool:
    """Tell whether the dotted ``key`` belongs to what a run computes; the seed does not, it repeats a run.

    >>> defines_the_run("model.latent_dim"), defines_the_run("tracker.figures"), defines_the_run("seed")
    (True, False, False)
    """
    parts = key.split(".")
    return not any(".".join(parts[: length + 1]) in BOOKKEEPING for length in range(len(parts)))


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping as dotted keys; lists stay whole.

    >>> flatten({"model": {"latent_dim": 8, "layers": [4]}})
    {'model.latent_dim': 8, 'model.layers': [4]}
    """
    flat: dict[str, Any] = {}
    for key, value in config.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, path + ".")
        else:
            flat[path] = value
    return flat


def what_defines(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dotted keys and values of a resolved configuration that decide what a run computes, but for the seed.

    >>> what_defines({"model": {"latent_dim": 8}, "seed": 3, "debug": {"steps": None}})
    {'model.latent_dim': 8}
    """
    return {key: value for key, value in flatten(config).items() if defines_the_run(key) and not _is_off(key, value)}


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


def _digits(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _is_off(key: str, value: Any) -> bool:
    """Tell whether an option is unused, so that a run is the same with and without its key."""
    return (key.startswith("debug.") and not value) or (key in LATER and value == LATER[key])
