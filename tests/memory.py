"""How much memory a computation on the CPU takes at once."""

from collections.abc import Callable

import torch


def largest_allocation(action: Callable[[], object]) -> int:
    """Return the bytes of the largest tensor that torch allocates while ``action`` is done."""
    with torch.profiler.profile(profile_memory=True, activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        action()
    return max(event.self_cpu_memory_usage for event in profile.events())
