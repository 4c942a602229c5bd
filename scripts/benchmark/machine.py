"""The machine in words: measured speeds mean nothing without it."""

from __future__ import annotations

import os
import platform

import torch

from zsl_runner.training.processor import Processor


def machine() -> dict[str, str]:
    """Return what measured speeds depend on."""
    processor = Processor.here()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": processor.name,
        "cores": str(usable),
        "vector instructions": processor.instructions,
        "matrix products": _matrix_library(),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def _matrix_library() -> str:
    return "MKL" if torch.backends.mkl.is_available() else "not MKL"  # type: ignore[no-untyped-call]


def load_average() -> str:
    """Return the system's load over the last minute: above 1, others compute at the same time."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
