"""What YAML files may compute for the launchers: ``${gpu_of_job:NUMBER}``.

Whoever imports this module can resolve it; the workers of every launcher do. Never imports torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from omegaconf import OmegaConf, __version__

from zsl_runner.config.cuda import installed_gpus


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
