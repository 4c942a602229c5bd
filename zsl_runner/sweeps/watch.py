"""Ends a search in which no trial can have a result, whatever launcher starts its jobs and whatever sweeper asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher

from zsl_runner.errors import ConfigError
from zsl_runner.sweeps.notes import Plan, read_note


class Watched(Launcher):  # type: ignore[misc]  # Hydra has no types
    """A launcher that looks into the notes of its jobs before it tells the sweeper what they returned.

    Args:
        launcher: what starts the jobs.
        folder: the sweep's folder.
    """

    def __init__(self, launcher: Launcher, folder: Path) -> None:
        self.launcher = launcher
        self.folder = folder

    def setup(self, **given: Any) -> None:
        """Set up the launcher itself."""
        self.launcher.setup(**given)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Start jobs and return what they returned.

        Raises:
            ConfigError: one lacks an objective, and so would all others.
        """
        returned: Sequence[JobReturn] = self.launcher.launch(job_overrides, initial_job_idx)
        if Plan.load(self.folder).alike:
            for number in range(initial_job_idx, initial_job_idx + len(job_overrides)):
                note = read_note(self.folder, number)
                if note is not None and note.lacks_objective and note.error:
                    reason = note.error.partition(": ")[2]
                    raise ConfigError(f"{reason}; all trials measure the same, so the search has ended")
        return returned


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Watch the jobs of every launcher that Hydra makes inside the block.

    Args:
        folder: the sweep's folder.
    """
    make = Plugins.instantiate_launcher

    def make_watched(self: Plugins, **given: Any) -> Launcher:
        return Watched(make(self, **given), folder)

    Plugins.instantiate_launcher = make_watched
    try:
        yield
    finally:
        Plugins.instantiate_launcher = make
