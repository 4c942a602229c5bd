"""A computation on a CUDA device captured once and replayed: the host then starts it with a single call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Protocol, TypeVar

import torch

Result = TypeVar("Result")


class Graph(Protocol):
    """A computation that can be repeated without the Python that made it."""

    def capture(self, compute: Callable[[], Result], generators: Sequence[torch.Generator]) -> Result:
        """Record what ``compute`` starts on the device, without doing it.

        Args:
            compute: the computation; its tensors must outlive the graph.
            generators: those on the device that it draws from.

        Returns:
            What ``compute`` returns; every `replay` fills its tensors.

        Raises:
            RuntimeError: it cannot be captured, e.g. because it waits for a value. Generators are then as before.
        """

    def replay(self) -> None:
        """Do it."""


class CudaGraph:
    """`Graph` by a CUDA graph.

    Args:
        device: where the computation takes place; it need not be the device that is current.
        pool: memory shared with other graphs, of which only one runs at a time; see `torch.cuda.graph_pool_handle`.
    """

    def __init__(self, device: torch.device, pool: tuple[int, int]) -> None:
        self._device = device
        self._pool = pool
        self._graph = torch.cuda.CUDAGraph()

    def capture(self, compute: Callable[[], Result], generators: Sequence[torch.Generator]) -> Result:
        """Record the computation; see `Graph.capture`."""
        before = [generator.clone_state() for generator in generators]
        for generator in generators:
            self._graph.register_generator_state(generator)
        with torch.cuda.device(self._device):
            current = torch.cuda.current_stream()
            try:
                with torch.cuda.graph(self._graph, pool=self._pool, stream=_capturing(self._device)):  # type: ignore[arg-type]
                    return compute()
            except Exception:
                self._abandon(current)
                # A failed capture leaves its generators in a state in which they cannot be drawn from.
                for generator, state in zip(generators, before, strict=True):
                    generator.graphsafe_set_state(state)
                raise

    def _abandon(self, current: torch.cuda.Stream) -> None:
        """Put back what torch leaves of a failed capture: its stream, and up to 2.11 memory set aside for it."""
        torch.cuda.set_stream(current)
        end = getattr(torch._C, "_cuda_endAllocateToPool", None)
        if end is not None:
            with suppress(RuntimeError):  # it has ended
                end(torch.cuda.current_device(), self._pool)

    def replay(self) -> None:
        """Start the computation; nothing is waited for."""
        self._graph.replay()


@cache
def _capturing(device: torch.device) -> torch.cuda.Stream:
    """Return the stream on which graphs of a device are captured: one of the current device would record nothing.

    There is one for all graphs, because products keep memory for each stream.
    """
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
