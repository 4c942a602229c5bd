"""Counts CUDA devices without torch: for the preflight check, and for launchers that share GPUs out."""

from __future__ import annotations

import ctypes
import sys


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
