"""The options that every run has, whatever its parts: how it computes, and what it writes and keeps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem


@dataclass
class RuntimeConf:
    """Where and how the run computes."""

    device: str = option("auto", "auto (CUDA if there is one), cpu, cuda or cuda:N")
    precision: str = option(
        "fp32",
        "fp32; tf32 = products and convolutions in TensorFloat-32 on CUDA; bf16 = autocast, fp32 weights",
        choices=("fp32", "tf32", "bf16"),
    )
    threads: int = option(1, "CPU threads; 0 leaves torch's own choice", low=0)
    deterministic: bool = option(True, "refuse operations without a deterministic implementation")
    compile: bool = option(False, "compile the models' loss functions with torch.compile")
    finite_every: int | None = option(
        None,
        "steps between two checks that all loss terms are finite; null = 50 where the runtime captures steps, else 1",
        low=1,
    )
    capture: str = option(
        "auto",
        "whether steps are captured as CUDA graphs and replayed; auto: on CUDA, where they can be",
        choices=("auto", "never", "always"),
    )


@dataclass
class TrackerConf:
    """What a run writes while it trains."""

    log_every: int = option(50, "steps between two rows of scalars (means over the steps between)", low=1)
    tensorboard: bool = option(True, "write TensorBoard event files")
    figures: bool = option(True, "draw the evaluator's figures at the end (PNG and TensorBoard)")
    projector: bool = option(False, "write real and generated features for TensorBoard's projector")
    progress: str = option(
        "auto",
        "auto: a bar on a terminal, lines elsewhere, few of them from the processes of a pool; or bar, lines, none",
        choices=("auto", "bar", "lines", "none"),
    )

    def problems(self) -> Iterable[Problem]:
        """The projector is a page of TensorBoard."""
        if self.projector and not self.tensorboard:
            yield Problem("projector", "has no effect with tensorboard=false")


@dataclass
class DebugConf:
    """Looks at what a run does; metrics of a run with any of these are comparable with nothing."""

    steps: int | None = option(
        None,
        "largest number of steps in a phase, unless what follows needs all of them; null = as many as the trainer "
        "takes",
        low=1,
    )
    overfit: bool = option(
        False,
        "train on one batch of rows, spread evenly over the training rows, again and again; see trainer.batch_size",
    )
    profile: int | None = option(
        None, "steps of each phase, after one to warm up, that torch's profiler records; null = none", low=1
    )
    anomaly: bool = option(False, "stop where a gradient becomes NaN and name the operation; slow")

    def active(self) -> dict[str, Any]:
        """Return the options that are on, by name; empty for a proper run."""
        return {entry.name: value for entry in fields(self) if (value := getattr(self, entry.name))}


@dataclass
class CheckpointConf:
    """When checkpoints are written and which are kept."""

    every: int = option(500, "steps between two checkpoints; one is always written at the end of a stage", low=1)
    keep: int = option(2, "newest checkpoints kept", low=1)
