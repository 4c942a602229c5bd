"""Training steps on images beside the same step written plainly, with CPU seconds for 1,000 images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from torch import nn

from scripts.benchmark.timing import Cost, Effort, Finding, cost_of, interleaved


class MeasuredStep(NamedTuple):
    """A step to be measured.

    Attributes:
        name: what it is, for the table.
        step: takes one.
        aim: largest ratio of CPU seconds to the plain step; None for none.
    """

    name: str
    step: Callable[[], object]
    aim: float | None


def image_step_findings(
    topic: str,
    effort: Effort,
    measured: list[MeasuredStep],
    plainly: Callable[[], object],
    reference: str,
    model: nn.Module,
    rows: int,
) -> list[Finding]:
    """Compare each step with the plain one, in turn.

    Args:
        topic: of the findings.
        effort: how long to measure.
        measured: the steps.
        plainly: takes one plain step.
        reference: what that is, for the table.
        model: whose parameters are counted.
        rows: images of a step.
    """
    count = effort.steps(measured[0].step)

    def repeated(step: Callable[[], object]) -> Cost:
        return cost_of(lambda: [step() for _ in range(count)])

    parameters = f"{sum(parameter.numel() for parameter in model.parameters()):,}"
    findings = []
    for name, step, aim in measured:
        (found,) = interleaved(effort.repeats, partial(repeated, step), partial(repeated, plainly), divide_by=count)
        own, other = found["cpu"].medians
        seconds = f"{1000 / rows * own:.3f}, plainly {1000 / rows * other:.3f}"
        facts = {"parameters": parameters, "CPU seconds for 1,000 images": seconds}
        findings.append(Finding(topic, name, reference, found, aim, facts))
    return findings
