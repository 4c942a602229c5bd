"""Small file systems in memory: full and read-only disks as they are."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.torture.verdict import Skip


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a file system of so many bytes at a folder, which is made.

    Raises:
        Skip: mounting is not possible here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size},mode=777", "none", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(("umount", "-l", str(folder)), capture_output=True, check=False)


def make_read_only(folder: Path) -> None:
    """Make a mounted file system read-only."""
    _mount("-o", "remount,ro", str(folder))


def _mount(*arguments: str) -> None:
    if os.getuid() != 0:
        raise Skip("mounting a file system needs root")
    try:
        done = subprocess.run(("mount", *arguments), capture_output=True, text=True, check=False)
    except OSError as error:
        raise Skip(f"no mount command: {error}") from error
    if done.returncode:
        raise Skip(f"file systems cannot be mounted here: {done.stderr.strip()}")
