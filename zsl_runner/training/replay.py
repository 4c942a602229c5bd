"""Steps whose second half is captured once for each variant and replayed from then on.

The order of the updates and their results are those of steps taken one operation after another, to the bit. What a
variant is, the first half decides; see `zsl_runner.training.base.Step`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from zsl_runner.errors import RunError
from zsl_runner.graphs.capture import CudaGraph, Graph
from zsl_runner.graphs.fingerprint import Fingerprint
from zsl_runner.streams import Streams
from zsl_runner.training.base import Drawn, Step, StepReport
from zsl_runner.training.optimisers import Optimisers
from zsl_runner.training.terms import TermSums

GRAPHS: Final = 64
"""Most variants of a phase's step that are captured; the others are computed operation by operation."""
log = logging.getLogger(__name__)


@dataclass
class Variant:
    """A variant of a step.

    Attributes:
        taken: steps of it so far.
        drawn: what was drawn, in tensors that the graph reads.
        buffers: these tensors.
        second: what the operations of the second step were, until they are compared.
        graph: the captured computation; None before it is.
        report: of the captured computation; its tensors change with every replay.
        gradient_steps: optimiser steps of one.
        generators: those that a step draws from on the device.
    """

    taken: int = 0
    drawn: Drawn | None = None
    buffers: list[Tensor] = field(default_factory=list)
    second: Fingerprint | None = None
    graph: Graph | None = None
    report: StepReport | None = None
    gradient_steps: int = 0
    generators: list[torch.Generator] = field(default_factory=list)


@dataclass
class Variants:
    """How many variants of a phase's steps there were.

    Attributes:
        graphs: those that are replayed.
        eager: those that are computed operation by operation, too rare ones and such beyond the limit among them; a
            step that is not of two halves counts as one.
    """

    graphs: int = 0
    eager: int = 0


def cuda_graphs(device: torch.device) -> Callable[[], Graph]:
    """Return what makes CUDA graphs of a device that share their memory."""
    pool = torch.cuda.graph_pool_handle()
    return lambda: CudaGraph(device, pool)


@dataclass
class Capture:
    """How steps are captured.

    Attributes:
        streams: generators that steps draw from.
        optimisers: which count their steps.
        graphs: returns, for a phase on a device, what makes each of its graphs.
        always: whether a step that cannot be captured stops the run.
        compiled: whether torch.compile takes part; operations are then not compared.
        limit: most graphs of a phase.
        variants: how many there were so far, by phase.
    """

    streams: Streams
    optimisers: Optimisers
    graphs: Callable[[torch.device], Callable[[], Graph]] = cuda_graphs
    always: bool = False
    compiled: bool = False
    limit: int = GRAPHS
    variants: dict[str, Variants] = field(default_factory=dict)

    def of(self, step: Callable[[], StepReport], sums: TermSums, name: str) -> Callable[[], StepReport]:
        """Return what takes the steps of a phase and adds their terms to ``sums``.

        Args:
            step: one step.
            sums: where the terms go.
            name: of the phase, for messages and counts.

        Raises:
            RunError: the step is none of two halves, and it must be captured.
        """
        self.variants[name] = Variants()
        if isinstance(step, Step):
            return ReplayedStep(self, step, sums, name)
        self.give_up(name, "it is not a step of two halves, or one that is watched or recorded")
        self.variants[name].eager = 1
        return eager(step, sums)

    def give_up(self, name: str, reason: str) -> None:
        """Say that steps of a phase are not replayed.

        Raises:
            RunError: they must be.
        """
        if self.always:
            raise RunError(f"phase {name} cannot be captured: {reason}; set runtime.capture=auto or never")
        log.warning("steps of phase %s are not replayed: %s", name, reason)

    def conclude(self, name: str) -> None:
        """Say of a phase that is over how many variants of its steps were replayed, and how many were not."""
        found = self.variants[name]
        log.info("phase %s: %d graphs replayed, %d variants computed eagerly", name, found.graphs, found.eager)


def reported(report: object) -> StepReport:
    """Return what a step returned, which must be a report.

    Raises:
        RunError: it is none.
    """
    if not isinstance(report, StepReport):
        raise RunError(f"a step returned a {type(report).__name__}, expected a StepReport")
    return report


def eager(step: Callable[[], StepReport], sums: TermSums) -> Callable[[], StepReport]:
    """Return what takes a step operation by operation and adds its terms to ``sums``."""

    def take() -> StepReport:
        report = reported(step())
        sums.add(report.terms)
        sums.count(report.terms)
        return report

    return take


class ReplayedStep:
    """Takes a step; from the fourth of a variant on by replaying it.

    The first step of a variant makes what lives on, as moments of optimisers. The second and the third must be the same
    operations with the same numbers on the same memory, as far as this was there before the step. If they are not,
    Python has a part in it, and all steps are computed operation by operation; so they are if capturing fails.

    Args:
        capture: how steps are captured.
        step: the step.
        sums: where its terms go.
        name: of the phase, for messages and counts.
    """

    def __init__(self, capture: Capture, step: Step[Drawn], sums: TermSums, name: str) -> None:
        self._capture = capture
        self._step = step
        self._sums = sums
        self._name = name
        self._variants: dict[Hashable, Variant] = {}
        self._count = capture.variants[name]
        self._make_graph = capture.graphs(capture.streams.device)
        self._captures = True

    @property
    def graphs(self) -> int:
        """Number of variants that are replayed."""
        return self._count.graphs

    def __call__(self) -> StepReport:
        """Take the step."""
        drawn = self._step.draw()
        report = self._by_variant(drawn)
        self._sums.count(report.terms)
        if self._step.finish is not None:
            self._step.finish()
        return report

    def _by_variant(self, drawn: Drawn) -> StepReport:
        key, tensors = drawn.parted()
        variant = self._variants.get(key)
        if variant is None:
            variant = self._variants[key] = Variant()
            self._count.eager += 1
        variant.taken += 1
        if variant.taken == 1 or not self._captures:
            return self._computed(drawn)
        if variant.graph is None:
            return self._warmed(variant, drawn, tensors)
        _fill(variant.buffers, tensors)
        variant.graph.replay()
        self._capture.optimisers.steps += variant.gradient_steps
        assert variant.report is not None
        return variant.report

    def _computed(self, drawn: Drawn) -> StepReport:
        report = reported(self._step.compute(drawn))
        self._sums.add(report.terms)
        return report

    def _warmed(self, variant: Variant, drawn: Drawn, tensors: list[Tensor]) -> StepReport:
        """Take a step of a variant that has been taken before, and at last capture it."""
        if variant.drawn is None:
            variant.drawn = drawn.mapped(Tensor.clone)
            variant.buffers = variant.drawn.parted()[1]
        else:
            _fill(variant.buffers, tensors)
        if variant.taken == 2:
            variant.second, report = self._watched(variant, variant.drawn)
            return report
        if variant.taken == 3:
            assert variant.second is not None
            third, report = self._watched(variant, variant.drawn)
            if reason := variant.second.difference(third):
                self._give_up(reason)
            return report
        if self.graphs >= self._capture.limit:
            return self._computed(variant.drawn)
        return self._captured(variant, variant.drawn)

    def _watched(self, variant: Variant, drawn: Drawn) -> tuple[Fingerprint, StepReport]:
        generators = self._capture.streams.on_device()
        before = [generator.get_state() for generator in generators]
        steps = self._capture.optimisers.steps
        fingerprint = Fingerprint()
        with fingerprint.taken(not self._capture.compiled):
            report = self._computed(drawn)
        moved = [not torch.equal(state, now.get_state()) for state, now in zip(before, generators, strict=True)]
        variant.generators = [one for one, has_moved in zip(generators, moved, strict=True) if has_moved]
        variant.gradient_steps = self._capture.optimisers.steps - steps
        return fingerprint, report

    def _captured(self, variant: Variant, drawn: Drawn) -> StepReport:
        steps = self._capture.optimisers.steps
        graph = self._make_graph()
        try:
            variant.report = graph.capture(lambda: self._computed(drawn), variant.generators)
        except RuntimeError as error:
            self._capture.optimisers.steps = steps
            self._give_up(str(error).partition("\n")[0])
            return self._computed(drawn)
        variant.graph, variant.second = graph, None
        self._count.graphs += 1
        self._count.eager -= 1
        graph.replay()
        self._capture.optimisers.steps = steps + variant.gradient_steps
        return variant.report

    def _give_up(self, reason: str) -> None:
        self._capture.give_up(self._name, reason)
        self._captures = False
        self._variants = {key: Variant() for key in self._variants}
        self._count.graphs, self._count.eager = 0, len(self._variants)


def _fill(buffers: list[Tensor], tensors: list[Tensor]) -> None:
    if buffers:
        torch._foreach_copy_(buffers, tensors)
