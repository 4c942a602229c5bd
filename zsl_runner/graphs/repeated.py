"""A computation that is repeated many times on the same tensors, on CUDA by a graph."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch

from zsl_runner.graphs.capture import CudaGraph, Graph

WARM_UP = 2
"""Calls before the one that is captured: the first makes what lives on, as moments of an optimiser."""
WORTHWHILE = 50
"""Calls from which on capturing costs less than it saves."""
_allowed = True
log = logging.getLogger(__name__)


def allow_graphs(allowed: bool) -> None:
    """Say for the process whether repeated computations may be captured; results are equal to the bit either way."""
    global _allowed
    _allowed = allowed


class Repeated:
    """Calls a function without arguments, which reads and writes the same tensors in every call and waits for none.

    Where it cannot be captured, for want of memory say, every call is made.

    Args:
        compute: the function; it draws no random numbers.
        device: where it computes.
        calls: how many are to come, about.
        graph: makes the graph; None for one by CUDA, where there is CUDA and graphs are allowed.
    """

    def __init__(
        self,
        compute: Callable[[], None],
        device: torch.device,
        calls: int,
        graph: Callable[[], Graph] | None = None,
    ) -> None:
        self._compute = compute
        self._make = graph
        if graph is None and _allowed and device.type == "cuda" and calls >= WORTHWHILE:
            self._make = lambda: CudaGraph(device, torch.cuda.graph_pool_handle())
        self._graph: Graph | None = None
        self._calls = 0

    def __call__(self) -> None:
        """Compute once more."""
        self._calls += 1
        if self._make is not None and self._calls > WARM_UP:
            self._graph, self._make = self._captured(self._make()), None
        if self._graph is not None:
            self._graph.replay()
        else:
            self._compute()

    def _captured(self, graph: Graph) -> Graph | None:
        try:
            graph.capture(self._compute, ())
        except RuntimeError as error:
            log.warning("a repeated computation is not replayed: %s", str(error).partition("\n")[0])
            return None
        return graph
