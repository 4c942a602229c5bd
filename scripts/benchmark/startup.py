"""How long a user waits for the first sign of life."""

from __future__ import annotations

from pathlib import Path

from scripts.benchmark import first_step
from scripts.benchmark.processes import python
from scripts.benchmark.timing import Effort, Finding, interleaved


def help_finding(effort: Effort) -> Finding:
    """Compare ``zsl-run --help`` with importing Hydra."""
    (measured,) = interleaved(
        effort.repeats,
        lambda: python("-m", "zsl_runner.train", "--help")[0],
        lambda: python("-c", "import hydra")[0],
    )
    return Finding("start", "zsl-run --help", "import hydra", measured)


def first_step_finding(effort: Effort, folder: Path) -> Finding:
    """Compare the time to the first step of the default run with importing torch.

    Args:
        effort: how often to repeat.
        folder: an empty folder to write into.
    """
    arguments = ("runtime=cpu", "tracker.progress=none", f"outputs='{folder / 'outputs'}'")
    (measured,) = interleaved(
        effort.repeats,
        lambda: python("-m", first_step.__name__, *arguments)[0],
        lambda: python("-c", "import torch")[0],
    )
    return Finding("start", "zsl-run to its first step", "import torch", measured)
