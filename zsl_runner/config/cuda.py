"""Counts CUDA devices through the driver, so that the preflight check need not import torch."""

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
