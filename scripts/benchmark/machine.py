"""The machine in words: measured speeds mean nothing without it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch


def machine() -> dict[str, str]:
    """Return what measured speeds depend on."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": cpu_model(),
        "cores": str(usable),
        "vector instructions": torch.backends.cpu.get_cpu_capability(),
        "matrix products": _matrix_library(),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def _matrix_library() -> str:
    return "MKL" if torch.backends.mkl.is_available() else "not MKL"  # type: ignore[no-untyped-call]


def cpu_model() -> str:
    """Return the processor's name as the system gives it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def load_average() -> str:
    """Return the system's load over the last minute: above 1, others compute at the same time."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
