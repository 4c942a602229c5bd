"""What the C library does with large blocks of memory that were freed.

glibc maps every block above 32 MiB afresh and unmaps it when it is freed, so each gradient of a wide layer begins with a
page fault for every 4 KiB: that takes longer than the matrix product which fills it.
"""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of the parameters in glibc's malloc.h."""
MIB = 2**20


def keep_freed_blocks() -> bool:
    """Take blocks below 1 GiB from the heap and keep up to 512 MiB of it after they are freed.

    The peak of the memory used hardly changes, but up to 512 MiB less are given back between two peaks.

    Returns:
        Whether the C library did so; only glibc does, elsewhere nothing happens.
    """
    return _set(mapped_from=1024 * MIB, kept=512 * MIB)


def return_freed_blocks() -> bool:
    """Go back to glibc's own limits, those it reaches by itself once large blocks have been freed.

    Returns:
        As `keep_freed_blocks`.
    """
    return _set(mapped_from=32 * MIB, kept=64 * MIB)


def _set(mapped_from: int, kept: int) -> bool:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library; TypeError on Windows
        return False
    return mallopt(MMAP_THRESHOLD, mapped_from) == mallopt(TRIM_THRESHOLD, kept) == 1
