"""Costs, and how a candidate is compared with a reference on a machine that has other things to do."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cost:
    """What one repetition took.

    Attributes:
        cpu: seconds of CPU time, user and system, of all threads.
        wall: seconds of the clock.
    """

    cpu: float
    wall: float


def cost_of(task: Callable[[], object]) -> Cost:
    """Run ``task`` in this process and return what it took."""
    cpu, wall = time.process_time(), time.perf_counter()
    task()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)


@dataclass(frozen=True)
class Quantity:
    """A candidate and its reference in one unit, over interleaved repetitions.

    Attributes:
        unit: ``s`` or ``MiB``.
        candidate: one value for each repetition.
        reference: the value measured next to it.
    """

    unit: str
    candidate: Sequence[float]
    reference: Sequence[float]

    @property
    def medians(self) -> tuple[float, float]:
        """Medians of candidate and reference."""
        return statistics.median(self.candidate), statistics.median(self.reference)

    @property
    def ratio(self) -> float:
        """Median of the candidate over the median of the reference.

        >>> Quantity("s", [2.0, 9.0, 3.0], [1.0, 1.0, 1.0]).ratio
        3.0
        """
        candidate, reference = self.medians
        return candidate / reference

    @property
    def spread(self) -> tuple[float, float]:
        """Lower and upper quartile of the ratios of neighbouring repetitions: how far noise reaches."""
        ratios = [one / other for one, other in zip(self.candidate, self.reference, strict=True)]
        if len(ratios) == 1:
            return ratios[0], ratios[0]
        low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return low, high


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        topic: what it belongs to, a key of `topics.TOPICS`.
        name: what was measured.
        reference: what it was measured against.
        quantities: by name: ``cpu`` and ``wall``, or ``memory``.
        aim: the ratio of the first quantity that should not be exceeded; None if there is no such aim.
        facts: further numbers, in words ready to print.
    """

    topic: str
    name: str
    reference: str
    quantities: Mapping[str, Quantity]
    aim: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        repeats: interleaved repetitions of candidate and reference.
        seconds: CPU time one repetition should have at least, where the number of steps in it is free.
    """

    repeats: int
    seconds: float

    def steps(self, step: Callable[[], object], multiple: int = 1) -> int:
        """Return how many steps fill a repetition; takes three of them, which also warm up caches and memory pools.

        Args:
            step: takes one step.
            multiple: the number returned is a multiple of this.
        """
        taken = cost_of(lambda: [step() for _ in range(3)]).cpu / 3
        return multiple * max(1, round(self.seconds / max(taken, 1e-9) / multiple))


def interleaved(
    repeats: int, candidate: Callable[[], Cost], *references: Callable[[], Cost], divide_by: int = 1
) -> list[dict[str, Quantity]]:
    """Measure a candidate and its references in turn, so that what slows the machine for a while slows all.

    Args:
        repeats: repetitions of each; one more, not counted, comes before them.
        candidate: runs one repetition and returns what it took.
        references: the same for each reference.
        divide_by: steps in a repetition, for costs of one step.

    Returns:
        For each reference ``cpu`` and ``wall``, in seconds.
    """
    rounds = [[task() for task in (candidate, *references)] for _ in range(repeats + 1)][1:]
    return [
        quantities([(costs[0], costs[place]) for costs in rounds], divide_by) for place in range(1, len(references) + 1)
    ]


def quantities(pairs: Sequence[tuple[Cost, Cost]], divide_by: int = 1) -> dict[str, Quantity]:
    """Return pairs of costs (candidate, reference) as ``cpu`` and ``wall``."""
    return {
        clock: Quantity(
            "s",
            [getattr(candidate, clock) / divide_by for candidate, _ in pairs],
            [getattr(reference, clock) / divide_by for _, reference in pairs],
        )
        for clock in ("cpu", "wall")
    }


def wall_first(costs: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return costs with the clock's seconds before the CPU's: an aim is on the first, and a GPU takes no CPU time."""
    return {"wall": costs["wall"], "cpu": costs["cpu"]}
