"""Problems of a given shape, built as a run builds them: configuration, fold, model, optimisers, trainer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.loaded import ours
from zsl_runner.config.check import check
from zsl_runner.config.schema import RunConfig
from zsl_runner.data.load import cut_folds, load
from zsl_runner.training.base import Phase
from zsl_runner.training.build import StageParts, build_stage
from zsl_runner.training.runtime import Runtime

AWA2: Final = (
    "dataset=toy",
    "dataset.width=2048",
    "dataset.attributes=85",
    "dataset.seen=40",
    "dataset.unseen=10",
)
"""Overrides for AWA2's widths and classes with some thousand invented rows; a step does not cost more with more."""

DIGITS: Final = ("dataset=digits",)
"""The embedded data set of the default run."""

MIXED_STEP: Final = ("trainer.em.real_step_prob=0", "trainer.em.gen_ratio_jitter=0")
"""Overrides that make every EM iteration one step on 6 real rows and 58 draws."""


def configuration(*overrides: str, device: str = "cpu") -> RunConfig:
    """Return the checked configuration of a run with one CPU thread, on the CPU or on CUDA.

    Args:
        overrides: the rest of the configuration.
        device: ``cpu`` or ``cuda``.

    Raises:
        ConfigError: the overrides are not accepted.
    """
    overrides = (*overrides, f"runtime={device}", "runtime.threads=1")
    return check(ours(), overrides, strictly=False).accepted()


def stage(config: RunConfig) -> StageParts:
    """Return the parts of the run's last stage."""
    name = config.evaluator.stages[-1]
    runtime = Runtime(config.runtime)
    folds = cut_folds(load(config.dataset), config.dataset, config.trainer, runtime.device)
    return build_stage(config, name, folds.cut(name), runtime)


def phase(parts: StageParts, name: str) -> Phase:
    """Return a phase of the stage's trainer, begun.

    Raises:
        ValueError: there is no such phase.
    """
    phases: Sequence[Phase] = parts.trainer.phases()
    for candidate in phases:
        if candidate.name == name:
            if candidate.begin is not None:
                candidate.begin()
            return candidate
    raise ValueError(f"phase: expected one of {', '.join(entry.name for entry in phases)}, found {name!r}")
