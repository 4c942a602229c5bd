"""GPUs counted without torch, and shared out to the jobs of launchers by ``${gpu_of_job:NUMBER}``.

Whoever imports this module can resolve it; the workers of every launcher do. Never imports torch.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Callable
from typing import Any

from omegaconf import OmegaConf, __version__

DEVICE = re.compile(r"auto|cpu|cuda(?::(\d+))?")
DEVICES = "auto, cpu, cuda or cuda:N"
"""How a device is written, as a pattern and in words."""


def cuda_devices() -> int:
    """Return how many CUDA devices this process may use (``CUDA_VISIBLE_DEVICES`` counts); 0 without a driver."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def installed_gpus() -> int:
    """Return how many NVIDIA GPUs the machine has, whatever ``CUDA_VISIBLE_DEVICES`` says; 0 without a driver.

    Unlike `cuda_devices` it leaves CUDA untouched, which would never look at ``CUDA_VISIBLE_DEVICES`` again in this
    process.
    """
    try:
        library = ctypes.CDLL("nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")
    except OSError:
        return 0
    count = ctypes.c_uint(0)
    if library.nvmlInit_v2() != 0 or library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
        return 0
    return count.value


def gpu_of_job(number: int, count_gpus: Callable[[], int] = installed_gpus) -> str:
    """Return the GPU of a job, taking them in turn, as a value of ``CUDA_VISIBLE_DEVICES``; empty without any.

    A ``CUDA_VISIBLE_DEVICES`` of the user's is shared out, not overridden.

    >>> [gpu_of_job(number, lambda: 2) for number in range(4)]
    ['0', '1', '0', '1']
    """
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = [str(gpu) for gpu in range(count_gpus())] if allowed is None else [gpu for gpu in allowed.split(",") if gpu]
    return gpus[number % len(gpus)] if gpus else ""


# OmegaConf 2.4 gave the function its short name back, and warns of the long one; 2.3 has another function of that name.
_register: Any = OmegaConf.register_new_resolver if __version__.startswith("2.3.") else OmegaConf.register_resolver
_register("gpu_of_job", lambda number: gpu_of_job(int(number)), replace=True)
