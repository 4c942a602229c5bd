"""Memory of runs that work on the same features at the same time."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.benchmark.memory import ATTRIBUTES, ROWS_OF_A_CLASS, SCORED_ROWS, SEEN, UNSEEN, WIDTH
from scripts.benchmark.processes import environment
from scripts.benchmark.timing import Effort, Finding, Quantity
from zsl_runner.data.command.synthesis import synthesize
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.errors import RunError

RUNS = 4
MARGIN_AIM = 1.1
SECONDS_BETWEEN = 0.2


def sharing_finding(
    effort: Effort, folder: Path, *, width: int = WIDTH, rows: int = ROWS_OF_A_CLASS, steps: int = 300
) -> Finding:
    """Measure SGAL runs on a cached features file of AWA2's shape: one alone, then four at the same time.

    Memory is the proportional set size: pages that several processes map are divided among them, so the sum over
    processes is what the machine gives. Of each moment at which all runs train it is added up; the largest sum counts.
    What each run beyond the first adds should be a run without its features.

    Args:
        effort: how often to repeat.
        folder: an empty folder to write into.
        width: features of a row.
        rows: rows of each class; the default gives about AWA2's 37,322.
        steps: steps of each phase.
    """
    test = rows // 5
    conf = ToyConf(
        name="awa2_shape",
        seen=SEEN,
        unseen=UNSEEN,
        attributes=ATTRIBUTES,
        width=width,
        train_rows=rows - test,
        test_rows=test,
        unseen_rows=rows,
    )
    synthesize(folder / "data", conf)
    _largest_sum(folder, ["cache"], steps=1)  # the run that writes the cache
    matrix = (SEEN + UNSEEN) * rows * width * 4 / 2**20
    added, expected, alone, together = [], [], [], []
    for repeat in range(effort.repeats):
        alone.append(_largest_sum(folder, [f"alone-{repeat}"], steps))
        together.append(_largest_sum(folder, [f"together-{repeat}-{run}" for run in range(RUNS)], steps))
        added.append((together[-1] - alone[-1]) / (RUNS - 1))
        expected.append(alone[-1] - matrix)
    marginal, held = Quantity("MiB", added, expected), Quantity("MiB", together, alone)
    facts = {
        "features": f"{matrix:.0f} MiB",
        "one run": f"{held.medians[1]:.0f} MiB",
        f"{RUNS} runs": f"{held.medians[0]:.0f} MiB",
    }
    name, reference = f"what a run adds beside {RUNS - 1} on the same cache", "a run without its features"
    return Finding("sharing", name, reference, {"memory": marginal}, MARGIN_AIM, facts)


def _largest_sum(folder: Path, names: Sequence[str], steps: int) -> float:
    """Run all at once and return the largest sum of their memory while all of them train, in MiB."""
    with contextlib.ExitStack() as stack:
        runs = [stack.enter_context(_started(folder, name, steps)) for name in names]
        largest = 0.0
        while all(run.poll() is None for run in runs):
            if all(list((folder / "outputs").glob(f"*/*/{name}/metrics.csv")) for name in names):
                largest = max(largest, sum(_proportional_size(run.pid) for run in runs))
            time.sleep(SECONDS_BETWEEN)
        for run in runs:
            if run.wait():
                raise RunError(f"{' '.join(map(str, run.args))}: exit code {run.returncode}")  # type: ignore[arg-type]
    return largest


def _started(folder: Path, name: str, steps: int) -> subprocess.Popen[bytes]:
    arguments = (
        "model=sgal",
        "dataset=xlsa17",
        "dataset.name=awa2_shape",
        f"dataset.root='{folder / 'data'}'",
        f"dataset.cache='{folder / 'cache'}'",
        f"trainer.pretrain_steps={steps}",
        f"trainer.em.iterations={steps}",
        "runtime=cpu",
        "tracker=minimal",
        "tracker.log_every=5",
        f"evaluator.batch_size={SCORED_ROWS}",
        f"outputs='{folder / 'outputs'}'",
        f"name={name}",
    )
    return subprocess.Popen(
        (sys.executable, "-m", "zsl_runner.train", *arguments), stdout=subprocess.DEVNULL, env=environment()
    )


def _proportional_size(process: int) -> float:
    """Return the proportional set size of a process in MiB; 0 if it has just ended. Linux only."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 2**10
    return 0.0
