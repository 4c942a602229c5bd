"""Runs of several seeds on one card: one after the other, at once, and at once under NVIDIA's multi-process service."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from scripts.benchmark import problem
from scripts.benchmark.processes import python
from scripts.benchmark.timing import Cost, Effort, Finding, interleaved, wall_first
from zsl_runner.errors import RunError

TOPIC: Final = "card"
RUNS: Final = 4
STEPS: Final = 5_000
CONTROL: Final = "nvidia-cuda-mps-control"
"""Program that starts and ends the service, which lets the kernels of several processes run at the same time."""


def shared_card_findings(effort: Effort, folder: Path, *, runs: int = RUNS, steps: int = STEPS) -> Iterator[Finding]:
    """Compare SGAL runs of several seeds at once, through the pool launcher, with as many runs one after the other.

    Args:
        effort: how often to repeat.
        folder: an empty folder to write into.
        runs: seeds.
        steps: steps of each of SGAL's two phases.

    Raises:
        RunError: a run failed; the pool launcher may not be installed.
    """
    count = 0

    def swept(workers: int, variables: Mapping[str, str] | None = None) -> Cost:
        nonlocal count
        count += 1
        launcher = ("hydra/launcher=pool", f"hydra.launcher.n_jobs={workers}") if workers > 1 else ()
        arguments = (
            "-m",
            "model=sgal",
            *problem.AWA2,
            f"trainer.pretrain_steps={steps}",
            f"trainer.em.iterations={steps}",
            "runtime=cuda",
            "tracker=minimal",
            "evaluator.stages=[final]",
            "evaluator.calibration=none",
            f"outputs='{folder / f'outputs-{count}'}'",
            f"seed={','.join(map(str, range(runs)))}",
            *launcher,
        )
        return python("-m", "zsl_runner.train", *arguments, folder=folder, variables=variables)[0]

    def one_after_the_other() -> Cost:
        return swept(1)

    (at_once,) = interleaved(effort.repeats, lambda: swept(runs), one_after_the_other)
    name, reference = f"{runs} SGAL runs at once, {{}}", "one after the other"
    facts = {"steps of a run": str(2 * steps), "memory of a run": _memory(folder)}
    yield Finding(TOPIC, name.format("through the pool launcher"), reference, wall_first(at_once), facts=facts)
    if shutil.which(CONTROL) is None:
        return
    with _service(folder) as variables:
        (served,) = interleaved(effort.repeats, lambda: swept(runs, variables), one_after_the_other)
    yield Finding(TOPIC, name.format("under the multi-process service"), reference, wall_first(served))


def _memory(folder: Path) -> str:
    """Return in words what one of the runs took on the card and in the machine."""
    cost = json.loads(next(folder.glob("outputs-*/*/*/*/result.json")).read_text())["cost"]
    on_card = f"{cost['device_memory_mb']:.0f} MiB on the card, " if "device_memory_mb" in cost else ""
    return f"{on_card}{cost['peak_memory_mb']:.0f} MiB beside it"


@contextlib.contextmanager
def _service(folder: Path) -> Iterator[Mapping[str, str]]:
    """Start the multi-process service with files of its own; yield the variables of its clients, and end it after."""
    variables = {"CUDA_MPS_PIPE_DIRECTORY": str(folder / "pipe"), "CUDA_MPS_LOG_DIRECTORY": str(folder / "log")}
    for place in variables.values():
        Path(place).mkdir()
    environment, said = {**os.environ, **variables}, folder / "control.log"

    def control(*arguments: str, typed: str = "") -> int:
        with said.open("a") as log:  # a file, not a pipe: the service lives on and may keep it open
            return subprocess.run(
                [CONTROL, *arguments], input=typed, stdout=log, stderr=log, text=True, env=environment
            ).returncode

    if code := control("-d"):
        raise RunError(f"{CONTROL} -d: exit code {code}: {said.read_text().strip()}")
    try:
        yield variables
    finally:
        control(typed="quit\n")
