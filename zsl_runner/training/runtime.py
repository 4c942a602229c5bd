"""The only place that knows device, precision, compilation, threads and determinism."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from zsl_runner.config.sections import RuntimeConf
from zsl_runner.errors import ConfigError
from zsl_runner.graphs.repeated import allow_graphs

REPLAYED_FINITE_EVERY: Final = 50
_TURN = threading.RLock()
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of ``mallopt``, as numbered in glibc's malloc.h."""


class Runtime:
    """How a run computes.

    Args:
        conf: the ``runtime`` block.

    Attributes:
        asked: those of ``precision`` and ``compile`` that a trainer has asked for so far, whatever they are.

    Raises:
        ConfigError: the device is not there, as this build of torch sees it, or captures no steps and must.
    """

    def __init__(self, conf: RuntimeConf) -> None:
        self.conf = conf
        self.asked: set[str] = set()
        # On Linux large tensors then lie in pages of 2 MiB. Else a new gradient of a wide layer begins with thousands
        # of page faults, which take longer than the product that fills it. torch reads this at its first allocation.
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
        _keep_freed_memory()
        self.device = _device(conf.device)
        if self.device.type == "cuda":  # memory is counted from here: the process may have done other runs of a sweep
            torch.cuda.init()  # type: ignore[no-untyped-call]
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)
        if conf.capture == "always" and self.device.type != "cuda":
            raise ConfigError(
                f"runtime.capture=always: only CUDA captures steps, found device {self.device}; "
                "use runtime.capture=auto"
            )
        self._set()

    def _set(self) -> None:
        """Set for the process what decides how numbers are computed."""
        conf = self.conf
        allow_graphs(conf.capture != "never")
        if conf.threads:
            torch.set_num_threads(conf.threads)
            # numpy's and scikit-learn's libraries, too: a worker may come with other numbers of its launcher's.
            threadpool_limits(limits=conf.threads)
        if conf.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        if conf.compile:
            torch.use_deterministic_algorithms(conf.deterministic)
        else:  # the same but for the compiler, whose import takes longer than all else a short command does
            torch.set_deterministic_debug_mode("error" if conf.deterministic else "default")
        # Otherwise every new tensor is filled with NaN first; nothing here reads memory it has not written.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = not conf.deterministic
        # Moments of Adam that no gradient feeds any more shrink below 1e-38, where a CPU's arithmetic is many times
        # slower. The weights of pixels that are nearly always black are such.
        torch.set_flush_denormal(True)
        torch.set_float32_matmul_precision("high" if conf.precision == "tf32" else "highest")
        # It leaves out convolutions, which torch lets cuDNN round to TensorFloat-32 unless told otherwise.
        torch.backends.cudnn.allow_tf32 = conf.precision == "tf32"

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Compute as the run did inside the block, whatever the process has set since."""
        with settings_kept():
            self._set()
            yield

    @property
    def device_name(self) -> str:
        """Name of the device for the record, e.g. ``cpu`` or the GPU's product name."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else str(self.device)

    def device_memory(self) -> float | None:
        """Return the most memory of the GPU that torch has held since the start of the run, in MiB; None on a CPU.

        CUDA itself takes some hundred MiB beside it.
        """
        return torch.cuda.max_memory_reserved(self.device) / 2**20 if self.device.type == "cuda" else None

    @property
    def captures(self) -> bool:
        """Whether steps are captured and replayed where they can be."""
        return self.conf.capture != "never" and self.device.type == "cuda"

    @property
    def finite_every(self) -> int:
        """Steps between two checks that all loss terms are finite; each waits for the device."""
        return self.conf.finite_every or (REPLAYED_FINITE_EVERY if self.captures else 1)

    @property
    def product_dtype(self) -> torch.dtype:
        """Type of the factors of matrix products that are written out by hand; sums and weights stay float32."""
        self.asked.add("precision")
        return torch.bfloat16 if self.conf.precision == "bf16" else torch.float32

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context for forward passes: bfloat16 autocast under ``precision=bf16``, else nothing."""
        self.asked.add("precision")
        if self.conf.precision == "bf16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return nullcontext()

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function``, compiled if ``runtime.compile`` is set."""
        self.asked.add("compile")
        return torch.compile(function) if self.conf.compile else function

    def warnings(self, others: Sequence[str] = ()) -> list[str]:
        """Return in a sentence each option that makes a run slow on this device.

        Args:
            others: keys beside ``runtime.precision`` that have products computed in bfloat16.
        """
        if self.device.type != "cpu" or _multiplies_bf16():
            return []
        slow = {"runtime.precision=bf16": "runtime.precision=fp32"} if self.conf.precision == "bf16" else {}
        slow |= {f"{key}=bfloat16": "float16" for key in others}
        return [
            f"{option} is slow on this processor, which has no instructions for it: "
            f"a product takes many times as long as with {quick}"
            for option, quick in slow.items()
        ]

    def without_effect(self) -> list[str]:
        """Return in a sentence each option that is on and that no trainer has asked for."""
        told = []
        if self.conf.precision == "bf16" and "precision" not in self.asked:
            told.append(
                "runtime.precision=bf16 has no effect: the trainer computes nothing in context.runtime.autocast()"
            )
        if self.conf.compile and "compile" not in self.asked:
            told.append("runtime.compile=true has no effect: the trainer passes nothing to context.runtime.compile()")
        return told


@contextmanager
def settings_kept() -> Iterator[None]:
    """Give back at the end what a `Runtime` sets in torch: the program that called for it has numbers of its own.

    Threads take turns: these settings, and torch's generator, from which first weights are drawn, are the process's.
    """
    with _TURN, _given_back():
        yield


@contextmanager
def _given_back() -> Iterator[None]:
    threads, deterministic = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    benchmark, precision = torch.backends.cudnn.benchmark, torch.get_float32_matmul_precision()
    flushed = not torch.full((1,), 1e-30).mul(1e-9).any()
    rounding = _cudnn_rounding()
    with threadpool_limits():
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.set_deterministic_debug_mode(deterministic)
            torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
            torch.backends.cudnn.benchmark = benchmark
            torch.set_float32_matmul_precision(precision)
            torch.set_flush_denormal(flushed)
            _round_in_cudnn(rounding)


def _cudnn_rounding() -> dict[str, str] | bool:
    """Return what cuDNN may round to, by kind of layer; before torch 2.9 whether to TensorFloat-32 at all.

    The one answer for all kinds is refused from then on where a program has set them apart.
    """
    kinds = {kind: getattr(torch.backends.cudnn, kind, None) for kind in ("conv", "rnn")}
    if None in kinds.values():
        return torch.backends.cudnn.allow_tf32
    return {kind: settings.fp32_precision for kind, settings in kinds.items() if settings is not None}


def _round_in_cudnn(rounding: dict[str, str] | bool) -> None:
    """Take up what `_cudnn_rounding` returned."""
    if isinstance(rounding, bool):
        torch.backends.cudnn.allow_tf32 = rounding
        return
    torch.backends.cudnn.allow_tf32 = rounding["conv"] == "tf32"
    for kind, precision in rounding.items():
        getattr(torch.backends.cudnn, kind).fp32_precision = precision


def _keep_freed_memory() -> None:
    """Let glibc hold up to 64 MiB that were freed, for a step asks for as much as the last one has given back.

    By itself it hands them to the system and faults them in again, page by page, at every step. More than that would
    raise the peak of a run. Other C libraries have no such setting; one made from outside stays.
    """
    if sys.platform != "linux" or {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"} & os.environ.keys():
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 4 << 20)  # larger blocks come from the system, and go back to it
        mallopt(_TRIM_THRESHOLD, 64 << 20)


def _multiplies_bf16() -> bool:
    """Return whether oneDNN multiplies in bfloat16 here; elsewhere torch's own loops do, at a small part of its speed.

    True where torch is built without oneDNN, for then nobody knows.
    """
    with_onednn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return not with_onednn or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            raise ConfigError(f"device {name}: torch {torch.__version__} sees {count} CUDA devices; choose cpu")
    return device
