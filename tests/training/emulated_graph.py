"""A `Graph` for a machine without CUDA: it keeps the operations of a computation and does them again without Python."""

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests.training.nested import leaves, name_of, tensors

WAITS = (
    "aten._local_scalar_dense.default",
    "aten.nonzero.default",
    "aten.equal.default",
    "aten.masked_select.default",
    "aten._unique2.default",
    "aten.unique_dim.default",
    "aten.unique_consecutive.default",
    "aten.bincount.default",
    "aten._linalg_check_errors.default",
)
"""Operations after which the host needs to know a value, or a shape that depends on one."""
AT_POSITIONS = ("aten.index.Tensor", "aten.index_put.default", "aten.index_put_.default")


def waits(function, arguments, options=None):
    """Tell whether the host waits for the device in an operation, if only on CUDA or out of a dispatcher's sight."""
    name = name_of(function)
    if name in AT_POSITIONS:  # a mask is made into positions
        return any(leaf is not None and leaf.dtype in (torch.bool, torch.uint8) for leaf in arguments[1])
    if name == "aten.multinomial.default":  # of one draw, or without replacement, it looks at the probabilities first
        given = dict(zip(("num_samples", "replacement"), arguments[1:], strict=False)) | (options or {})
        return given["num_samples"] == 1 or not given.get("replacement", False)
    if name == "aten.repeat_interleave.Tensor":
        return (options or {}).get("output_size") is None
    return name in WAITS


STATISTICS = {"aten.native_batch_norm.default": (3, 4)}
"""Arguments that an operation writes without its schema saying so."""


class EmulatedGraph(TorchDispatchMode):
    """Does on replay what a CUDA graph does: the same operations on the same memory, other numbers baked in.

    To capture it computes, and then undoes what was written.
    """

    def __init__(self):
        super().__init__()
        self._operations = []
        self._before = []
        self._states = {}
        self._registered = set()

    def capture(self, compute, generators):
        self._registered = {generator._cdata for generator in generators}
        try:
            with self:
                return compute()
        finally:
            with torch.no_grad():
                for tensor, value in reversed(self._before):
                    tensor.copy_(value)
            for generator, state in self._states.values():
                generator.set_state(state)
            self._before.clear()

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        options = options or {}
        if waits(function, arguments, options):
            raise RuntimeError(f"{function} waits for the device")
        generators = [leaf for leaf in leaves(arguments, options) if isinstance(leaf, torch.Generator)]
        for generator in generators:
            self._states.setdefault(generator.initial_seed(), (generator, generator.get_state()))
        for place, argument in enumerate(function._schema.arguments):
            said = argument.alias_info is not None and argument.alias_info.is_write
            if said or place in STATISTICS.get(name_of(function), ()):
                written = arguments[place] if place < len(arguments) else options.get(argument.name)
                self._before += [(tensor, tensor.clone()) for tensor in tensors(written)]
        result = function(*arguments, **options)
        unknown = {generator._cdata for generator in generators} - self._registered
        if unknown and any(tensor.numel() for tensor in tensors(result)):
            raise RuntimeError(f"{function} draws from a generator that the graph does not know")
        self._operations.append((function, arguments, options, result))
        return result

    @torch.no_grad()
    def replay(self):
        for function, arguments, options, result in self._operations:
            again = function(*arguments, **options)
            if any(returned.alias_info for returned in function._schema.returns):
                continue
            for kept, new in zip(leaves(result), leaves(again), strict=True):
                if isinstance(kept, Tensor):
                    kept.copy_(new)
