"""What a sweep and its jobs write into the sweep's folder, so that anyone can tell afterwards what became of each job.

A launcher may lose what its jobs return; these files and the runs' own ``result.json`` are all the table at the end
needs. Never imports torch.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

from zsl_runner.files.folders import entries
from zsl_runner.files.writing import remove_leftovers, write_text

PLAN = "sweep.json"
_JOBS, _EARLIER = "job-*.json", "earlier-*.json"
T = TypeVar("T")


@dataclass
class Plan:
    """What a sweep is going to do, written before its first job.

    Attributes:
        command: the command line.
        swept: keys that have several values.
        jobs: number of jobs; None if a search decides as it goes.
        checked: fingerprints of the configurations that were checked, by the overrides that led to them.
        study: the study a search works on; empty for a sweep.
        alike: whether all trials of a search measure the same metrics (see `measure_alike`).
        process: number of the process that works on it.
    """

    command: str = ""
    swept: list[str] = field(default_factory=list)
    jobs: int | None = None
    checked: dict[str, str] = field(default_factory=dict)
    study: str = ""
    alike: bool = False
    process: int = 0

    def save(self, folder: Path) -> None:
        """Write the plan; the folder is made if need be.

        Notes of an earlier sweep in it are removed; those of the same study are kept under names that no job has.
        """
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        goes_on = bool(self.study) and Plan.load(folder).study == self.study
        earlier = entries(folder, _EARLIER)
        if not goes_on:
            for file in earlier:
                file.unlink()
        for number, file in enumerate(entries(folder, _JOBS), start=len(earlier)):
            if goes_on:
                file.replace(folder / _EARLIER.replace("*", f"{number:04d}"))
            else:
                file.unlink()
        write_text(folder / PLAN, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Plan:
        """Read the plan; an empty one if Hydra was started without ours, or it cannot be read."""
        return _read(cls, folder / PLAN) or cls()


@dataclass
class Note:
    """What one job did.

    Attributes:
        number: its number in the sweep.
        overrides: its overrides.
        directory: its run's directory; None if it came to none.
        was_complete: the run was complete before this sweep started.
        error: why the job ended without its run being complete, if it could say.
        lacks_objective: whether that is an objective that the run does not measure.
    """

    number: int
    overrides: list[str]
    directory: str | None = None
    was_complete: bool = False
    error: str | None = None
    lacks_objective: bool = False

    def save(self, folder: Path) -> None:
        """Write the note, in place of an earlier one of the same job."""
        write_text(folder / f"job-{self.number:04d}.json", json.dumps(asdict(self), indent=2) + "\n")


def read_notes(folder: Path) -> list[Note]:
    """Return the notes of a sweep in the order of their jobs; damaged ones are passed over."""
    return sorted(_all(folder, _JOBS), key=lambda note: note.number)


def read_earlier(folder: Path) -> list[Note]:
    """Return the notes of earlier sweeps in a folder that worked on the study of the last one."""
    return _all(folder, _EARLIER)


def _all(folder: Path, pattern: str) -> list[Note]:
    return [note for file in entries(folder, pattern) if (note := _read(Note, file)) is not None]


def read_note(folder: Path, number: int) -> Note | None:
    """Return the note of a job that was started before in this very sweep; None if it was not."""
    return _read(Note, folder / f"job-{number:04d}.json")


def _read(kind: type[T], file: Path) -> T | None:
    """Read a plan or a note; None if there is none, or it is damaged."""
    try:
        return kind(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
