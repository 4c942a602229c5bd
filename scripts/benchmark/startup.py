"""How long a user waits for the first sign of life."""

from __future__ import annotations

from pathlib import Path

from scripts.benchmark import first_step
from scripts.benchmark.processes import python
from scripts.benchmark.timing import Effort, Finding, interleaved

OPTIMISER = "import torch; torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])"


def help_finding(effort: Effort) -> Finding:
    """Compare ``zsl-run --help`` with importing Hydra."""
    (measured,) = interleaved(
        effort.repeats,
        lambda: python("-m", "zsl_runner.train", "--help")[0],
        lambda: python("-c", "import hydra")[0],
    )
    return Finding("start", "zsl-run --help", "import hydra", measured)


def first_step_findings(effort: Effort, folder: Path) -> list[Finding]:
    """Compare the time to the first step of the default run with importing torch, and with what torch itself adds.

    Building any optimiser makes torch import its compiler, used or not.

    Args:
        effort: how often to repeat.
        folder: an empty folder to write into.
    """
    arguments = ("runtime=cpu", "tracker.progress=none", f"outputs='{folder / 'outputs'}'")
    imported, built = interleaved(
        effort.repeats,
        lambda: python("-m", first_step.__name__, *arguments)[0],
        lambda: python("-c", "import torch")[0],
        lambda: python("-c", OPTIMISER)[0],
    )
    name = "zsl-run to its first step"
    return [
        Finding("start", name, "import torch", imported),
        Finding("start", name, "import torch and build an optimiser", built),
    ]
