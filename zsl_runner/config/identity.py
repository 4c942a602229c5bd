"""Which configuration keys can change a run's numbers; the name of its directory tells of these."""

from __future__ import annotations

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

UNCHANGING = frozenset({"runtime.capture"})
"""Keys that came when there were runs without, and change no number: hashes have them, reports look past them."""


VALIDATION_ROWS = (
    "dataset.validation_classes",
    "dataset.validation_file",
    "dataset.validation_seed",
    "dataset.validation_rows",
    "dataset.holdout",
    "dataset.holdout_seed",
)
"""Keys that decide which rows a run is validated on; how well others were decided says nothing of its settings."""


def defines_the_run(key: str) -> bool:
    """Tell whether the dotted ``key`` belongs to what a run computes; the seed does not, it repeats a run.

    >>> defines_the_run("model.latent_dim"), defines_the_run("tracker.figures"), defines_the_run("seed")
    (True, False, False)
    """
    parts = key.split(".")  # asked of every key of every run in a report: looked up, not compared with each in turn
    return not any(".".join(parts[:count]) in BOOKKEEPING for count in range(1, len(parts) + 1))


def changes_results(key: str) -> bool:
    """Tell whether runs that differ in the dotted ``key`` may have other results.

    >>> changes_results("model.latent_dim"), changes_results("runtime.capture")
    (True, False)
    """
    return defines_the_run(key) and key not in UNCHANGING


def lies_in(key: str, *blocks: str) -> bool:
    """Tell whether the dotted ``key`` is one of these keys, or below one.

    >>> lies_in("model.prior.depth", "model.prior"), lies_in("model.priors", "model.prior"), lies_in("model", "model")
    (True, False, True)
    """
    return any(key == block or key.startswith(f"{block}.") for block in blocks)


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
