"""A second device for a machine that has none: tensors that say they are elsewhere and compute on the CPU."""

from contextlib import contextmanager
from importlib import import_module
from typing import ClassVar

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from tests.training.nested import leaves, mapped, name_of, tensors
from zsl_runner.streams import HOST, Streams, derived_seed
from zsl_runner.training.runtime import Runtime

AWAY = torch.device("meta")
"""What the tensors call their device: one that every build of torch knows and differentiates on."""

MOVES = ("aten._to_copy.default", "aten.copy_.default")
INDEXED = ("aten.index.Tensor", "aten.index_put.default", "aten.index_put_.default")
"""Positions may come from the CPU, as on CUDA; a host that computes them has not to wait for the device."""

UNREPEATABLE = (
    "aten._adaptive_avg_pool2d_backward.default",
    "aten._adaptive_avg_pool3d_backward.default",
    "aten.adaptive_max_pool2d_backward.default",
    "aten.avg_pool3d_backward.default",
    "aten.fractional_max_pool2d_backward.default",
    "aten.fractional_max_pool3d_backward.default",
    "aten.grid_sampler_2d_backward.default",
    "aten.grid_sampler_3d_backward.default",
    "aten.histc.default",
    "aten.kthvalue.default",
    "aten.max_unpool2d.default",
    "aten.max_unpool3d.default",
    "aten.median.dim",
    "aten.nanmedian.dim",
    "aten.nll_loss2d_forward.default",
    "aten.put_.default",
    "aten.reflection_pad1d_backward.default",
    "aten.reflection_pad2d_backward.default",
    "aten.reflection_pad3d_backward.default",
    "aten.upsample_bicubic2d_backward.default",
    "aten.upsample_linear1d_backward.default",
)
"""Operations that CUDA refuses where results are to repeat themselves; see `torch.use_deterministic_algorithms`."""

RUNNING_SUMS = ("aten.cumsum.default", "aten.cumprod.default")
"""Where results are to repeat themselves, some releases of torch add up a table of N x N for N such numbers."""


class AwayGenerator(torch.Generator):
    """A generator of the CPU that says it is elsewhere, and whose state is none that the CPU's take up."""

    device = AWAY
    made: ClassVar = {}
    """All of them, by the address of what torch holds: that alone is left in the arguments of an operation."""

    def __init__(self):
        super().__init__()
        self.made[self._cdata] = self

    def get_state(self):
        return super().get_state().repeat(2)

    def set_state(self, state):
        if len(state) != len(self.get_state()):
            raise RuntimeError("RNG state is wrong size")
        return super().set_state(state[: len(state) // 2])


class AwayTensor(Tensor):
    """A tensor whose content lies on the CPU and which says that it does not."""

    @staticmethod
    def __new__(cls, held):
        return Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype, device=AWAY
        )

    def __init__(self, held):
        self.held = held

    def tolist(self):
        return self.held.tolist()

    def __reduce_ex__(self, protocol):
        return self.held.__reduce_ex__(protocol)  # a checkpoint holds what any other does

    @classmethod
    def __torch_dispatch__(cls, function, types, arguments=(), options=None):
        return performed(function, arguments, options or {})


class Elsewhere(TorchDispatchMode):
    """Makes tensors of the second device where one is asked for."""

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        return performed(function, arguments, options or {})


class NothingOfTheCPU(TorchDispatchMode):
    """Lets no operation take or make a tensor of the CPU, not even a single number."""

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        for tensor in tensors(arguments, options, result):
            if not isinstance(tensor, AwayTensor):
                raise RuntimeError(f"{function}: a tensor of the CPU, of shape {tuple(tensor.shape)}")
        return result


class NoNumbersOfTheHost(TorchFunctionMode):
    """Lets no number be put at a position, and no list of positions be given: to CUDA they are copied and waited for.

    What fills a slice is no copy.
    """

    def __torch_function__(self, function, types, arguments=(), options=None):
        if function in (Tensor.__setitem__, Tensor.__getitem__):
            place = arguments[1] if isinstance(arguments[1], tuple) else (arguments[1],)
            listed = any(isinstance(part, list) for part in place)
            single = sum(isinstance(part, int) for part in place) == arguments[0].dim()
            if listed or (
                function is Tensor.__setitem__
                and not isinstance(arguments[2], Tensor)
                and (single or any(isinstance(part, Tensor) for part in place))
            ):
                raise RuntimeError(f"{function.__name__}: a number of the host, at {arguments[1]}")
        return function(*arguments, **(options or {}))


class Literals(TorchFunctionMode):
    """Makes tensors of numbers on the CPU and moves them: torch itself leaves those of ``meta`` empty."""

    def __torch_function__(self, function, types, arguments=(), options=None):
        options = options or {}
        if function in (torch.tensor, torch.as_tensor) and options.get("device") == AWAY:
            return function(*arguments, **{**options, "device": "cpu"}).to(AWAY)
        return function(*arguments, **options)


def performed(function, arguments, options):
    """Perform an operation of torch on what the tensors hold.

    Raises:
        RuntimeError: it takes tensors of both devices, where single numbers of the CPU may take part, as on CUDA; or it
            does not repeat itself there.
    """
    name = name_of(function)
    if name in UNREPEATABLE:
        raise RuntimeError(f"{function} has no deterministic implementation on CUDA")
    if name in RUNNING_SUMS and isinstance(arguments[0], AwayTensor) and arguments[0].is_floating_point():
        raise RuntimeError(f"{function} has no deterministic implementation on CUDA but by a table of N x N")
    taken = tensors(arguments, options)
    away = {id(tensor.held): tensor for tensor in taken if isinstance(tensor, AwayTensor)}
    if away and name not in MOVES:
        for tensor in taken[:1] if name in INDEXED else taken:
            if not isinstance(tensor, AwayTensor) and tensor.dim():
                raise RuntimeError(
                    f"{function}: tensors of two devices, that of shape {tuple(tensor.shape)} on the CPU"
                )
    goes_away = bool(away)
    if options.get("device") is not None:
        goes_away = torch.device(options["device"]) == AWAY
        options = {**options, "device": torch.device("cpu")}
    elif name == "aten.copy_.default":
        goes_away = isinstance(arguments[0], AwayTensor)
    for generator in leaves(arguments, options):
        if isinstance(generator, torch.Generator) and (generator._cdata in AwayGenerator.made) != goes_away:
            raise RuntimeError(f"{function}: numbers of one device from a generator of the other")
    if away:
        arguments, options = mapped(held, (arguments, options))
    result = function(*arguments, **options)
    if not goes_away:
        return result
    return mapped(lambda tensor: away[id(tensor)] if id(tensor) in away else AwayTensor(tensor), result)


def held(tensor):
    """Return the tensor of the CPU that one of the second device holds; others as they are."""
    return tensor.held if isinstance(tensor, AwayTensor) else tensor


@contextmanager
def second_device():
    """Let runs, whatever device they ask for, have the second one.

    Mixed precision is left as on the CPU, which does nothing to tensors that are elsewhere.
    """

    def generator(streams, key):
        if key not in streams._generators:
            made = torch.Generator() if key.startswith(HOST) else AwayGenerator()
            streams._generators[key] = made.manual_seed(derived_seed(streams.seed, key))
        return streams._generators[key]

    def load(*arguments, **options):
        content = read(*arguments, **{**options, "map_location": "cpu"})
        away = options.get("map_location") == AWAY
        return tree_map_only(Tensor, lambda tensor: tensor.to(AWAY), content) if away else content

    optimizers = import_module("torch.optim.optimizer")
    read, fused = torch.load, optimizers._get_fused_kernels_supported_devices
    with pytest.MonkeyPatch.context() as patch, Literals(), Elsewhere():
        patch.setattr("zsl_runner.training.runtime._device", lambda name: AWAY)
        patch.setattr(Streams, "_generator", generator)
        patch.setattr(Runtime, "autocast", lambda runtime: torch.autocast("cpu", enabled=False))
        patch.setattr(torch, "load", load)
        patch.setattr(optimizers, "_get_fused_kernels_supported_devices", lambda: [*fused(), AWAY.type])
        yield
