"""Errors a user can act on. Their text names the file or key, what was found and the remedy."""

from __future__ import annotations

from pathlib import Path


class RunError(Exception):
    """A failure with one clear message for the user; printed without a traceback."""


class ConfigError(RunError):
    """An argument, an option or a place to write to is wrong; the process exits with code 2 and writes nothing."""


class DataError(RunError):
    """A data file is missing, damaged or inconsistent."""


class OptionError(ConfigError, DataError):
    """An option asks for what the data do not have, which only reading them shows."""


class CheckpointError(RunError):
    """A checkpoint or run directory cannot be used."""


class OccupiedError(CheckpointError):
    """Another process works in a directory.

    Args:
        message: the same in words.
        directory: the directory.
    """

    def __init__(self, message: str, directory: Path) -> None:
        super().__init__(message)
        self.directory = directory


class ObjectiveError(RunError):
    """An objective of a search is none of the metrics that its run measures on validation data."""


class NonFiniteError(RunError):
    """A loss term became NaN or infinite."""
