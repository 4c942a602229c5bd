"""What a computation consists of, so that two can be compared: operations, plain arguments, memory they work on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Fingerprint:
    """The operations of a computation, in order.

    Of tensors that were there before the computation the address counts, of others the shape alone.
    """

    def __init__(self) -> None:
        self.operations: list[tuple[Any, ...]] = []

    @contextmanager
    def taken(self, active: bool = True) -> Iterator[None]:
        """Note the operations inside the context; nothing unless ``active``."""
        if not active:
            yield
            return
        with _Noting(self.operations):
            yield

    def difference(self, other: Fingerprint) -> str:
        """Return in words where the other computation first differs; empty if nowhere."""
        for one, two in zip(self.operations, other.operations, strict=False):
            if one == two:
                continue
            if one[0] != two[0]:
                return f"a step is {one[0]} where an equal one is {two[0]}"
            changed = next((f"{a} and then {b}" for a, b in zip(one[1:], two[1:], strict=False) if a != b), "")
            return (
                f"the arguments of {one[0]} change from step to step ({changed}): a number kept in Python, or a tensor "
                "replaced instead of updated in place"
            )
        if len(self.operations) != len(other.operations):
            return f"a step is {len(self.operations)} operations where an equal one is {len(other.operations)}"
        return ""


class _Noting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, operations: list[tuple[Any, ...]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._operations = operations
        self._made: set[int] = set()
        self._found: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        # The profiler's marks compute nothing, and detaching, of which other modes add some, does not either.
        if not str(func).startswith(("profiler.", "aten.detach.")):
            self._operations.append((str(func), *map(self._noted, tree_leaves((args, kwargs)))))
        result = func(*args, **kwargs)
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                address = leaf.untyped_storage().data_ptr()
                if address not in self._found:
                    self._made.add(address)
        return result

    def _noted(self, leaf: Any) -> Any:
        if isinstance(leaf, Tensor):
            address = leaf.untyped_storage().data_ptr()
            kind = (tuple(leaf.shape), leaf.stride(), str(leaf.dtype))
            if address in self._made:
                return kind
            self._found.add(address)
            return (*kind, address, leaf.storage_offset())
        if isinstance(leaf, torch.Generator):
            return f"generator {leaf.initial_seed()}"
        # repr, too, for NaN: as a number it would not even equal itself.
        return leaf if isinstance(leaf, (bool, int, str, type(None))) else repr(leaf)
