"""Compares steps replayed on CUDA with the same steps computed operation by operation, and with their kernels' time.

``python -m scripts.benchmark.captured_steps [NAME ...]`` prints a row for each problem whose name holds one of the
words. All data are invented or embedded. Without CUDA it says so.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch.profiler import ProfilerActivity, profile

from scripts.benchmark import problem
from zsl_runner.config.schema import RunConfig
from zsl_runner.training.base import StepReport
from zsl_runner.training.build import capture_of
from zsl_runner.training.replay import eager
from zsl_runner.training.terms import TermSums

_BI_VAEGAN: Final = ("experiment=bi_vaegan/released_awa2", *problem.AWA2, "trainer.class_prior=uniform")
PROBLEMS: Final[Mapping[str, tuple[str, ...]]] = {
    "Bi-VAEGAN, AWA2's shape, fp32": _BI_VAEGAN,
    "Bi-VAEGAN, AWA2's shape, TF32": (*_BI_VAEGAN, "runtime.precision=tf32"),
    "TF-VAEGAN, AWA2's shape": ("experiment=tf_vaegan/released_awa2", *problem.AWA2),
    "f-CLSWGAN, AWA2's shape": ("experiment=f_clswgan/released_awa1", *problem.AWA2),
    "SGAL, AWA2's shape": ("model=sgal", "trainer=em", *problem.AWA2),
    "VZSL, AWA2's shape": ("model=vzsl", *problem.AWA2),
    "CVAE of features, AWA2's shape": ("experiment=cvae/cub", *problem.AWA2),
    "CVAE of quadrants, digits": ("model=cvae_pairs", "dataset=digits_quadrant"),
    "AAE with few labels, digits": ("model=aae/semi_supervised", "dataset=digits_images", "dataset.labelled=100"),
    "JointVAE, digits": ("model=joint_vae", "dataset=digits_images", "dataset.side=32"),
    "segmentation, digit canvas": ("experiment=cvae/hybrid_digit_canvas",),
}
WARM_UP: Final = 150
STEPS: Final = 100
READ_EVERY: Final = 50
"""Steps between two looks at the sums of the terms, as between two rows of scalars of a run."""


@dataclass(frozen=True)
class StepTimes:
    """Milliseconds of a step.

    Attributes:
        eager: wall time, computed operation by operation.
        replayed: wall time, replayed.
        busy: time of the kernels of a replayed step.
        kernels: number of them.
        graphs: variants that were captured.
    """

    eager: float
    replayed: float
    busy: float
    kernels: float
    graphs: int


def main() -> int:
    """Print the table."""
    words = sys.argv[1:] or [""]
    if not torch.cuda.is_available():
        print("no CUDA device: steps are captured on CUDA alone, so there is nothing to compare")
        return 0
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}; milliseconds of a step\n")
    print("| step | eager | replayed | kernels busy | kernels | graphs | eager / replayed | replayed / busy |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, overrides in PROBLEMS.items():
        if any(word in name for word in words):
            times = step_times(problem.configuration(*overrides, device="cuda"))
            print(
                f"| {name} | {times.eager:.2f} | {times.replayed:.2f} | {times.busy:.2f} | {times.kernels:.0f} | "
                f"{times.graphs} | {times.eager / times.replayed:.1f} | {times.replayed / times.busy:.2f} |",
                flush=True,
            )
    return 0


def step_times(config: RunConfig) -> StepTimes:
    """Measure steps of the last phase of the last stage, on CUDA."""
    take, sums = _taker(config, replayed=False)
    slow = _wall(take, sums)
    take, sums = _taker(config, replayed=True)
    fast = _wall(take, sums)
    steps = 20
    with profile(activities=[ProfilerActivity.CUDA]) as recorded:
        for _ in range(steps):
            take()
        torch.cuda.synchronize()
    kernels = [event for event in recorded.events() if event.device_type == torch.autograd.DeviceType.CUDA]  # type: ignore[attr-defined]
    busy = sum(event.device_time_total for event in kernels) / 1e3 / steps
    return StepTimes(slow, fast, busy, len(kernels) / steps, getattr(take, "graphs", 0))


def _taker(config: RunConfig, replayed: bool) -> tuple[Callable[[], StepReport], TermSums]:
    parts, sums = problem.stage(config), TermSums()
    phase = parts.trainer.phases()[-1]
    if phase.begin is not None:
        phase.begin()
    if replayed:
        capture = capture_of(parts)
        assert capture is not None
        return capture.of(phase.step, sums, phase.name), sums
    return eager(phase.step, sums), sums


def _wall(take: Callable[[], StepReport], sums: TermSums) -> float:
    for _ in range(WARM_UP):
        take()
    sums.clear()
    torch.cuda.synchronize()
    started = time.perf_counter()
    for number in range(STEPS):
        take()
        if number % READ_EVERY == READ_EVERY - 1:
            sums.values()
            sums.clear()
    torch.cuda.synchronize()
    return 1e3 * (time.perf_counter() - started) / STEPS


if __name__ == "__main__":
    sys.exit(main())
