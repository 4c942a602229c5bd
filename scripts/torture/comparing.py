"""Compares what two runs left behind, bit by bit."""

from __future__ import annotations

import csv
import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from scripts.torture.verdict import require

logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it tells of every restart, which here are many
TIMES = frozenset({"wall", "cpu", "seconds", "stage_seconds"})


def content_of(checkpoint: Path) -> Mapping[str, Any]:
    """Return the content of a checkpoint file."""
    content: Mapping[str, Any] = torch.load(checkpoint, weights_only=True)
    return content


def checkpoints(directory: Path) -> list[Path]:
    """Return the checkpoints of a run, oldest first."""
    return sorted((directory / "checkpoints").glob("step-*.pt"))


def step_of(checkpoint: Path) -> int:
    """Return the step in a checkpoint's name."""
    return int(checkpoint.stem.partition("-")[2])


def record_of(directory: Path) -> dict[str, Any]:
    """Return the content of ``result.json``."""
    found: dict[str, Any] = json.loads((directory / "result.json").read_text(encoding="utf-8"))
    return found


def rows_of(directory: Path) -> list[tuple[str, ...]]:
    """Return the rows of ``metrics.csv`` without those of times."""
    with (directory / "metrics.csv").open(newline="") as file:
        return [tuple(row) for row in csv.reader(file) if not row[-2].startswith("time/")]


def scalars_of(directory: Path) -> dict[str, list[tuple[int, float]]]:
    """Return the scalars TensorBoard shows of a run, by tag; times are left out."""
    from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

    read = EventAccumulator(str(directory), size_guidance={SCALARS: 0})
    read.Reload()
    tags = [tag for tag in read.Tags()["scalars"] if not tag.startswith("time/")]
    return {tag: [(event.step, event.value) for event in read.Scalars(tag)] for tag in sorted(tags)}


def differences(first: Any, second: Any, path: str = "") -> Iterator[str]:
    """Yield where two nested values differ; times are no difference, and NaN equals NaN."""
    if type(first) is not type(second):
        yield f"{path}: {type(first).__name__} and {type(second).__name__}"
    elif isinstance(first, torch.Tensor):
        if first.shape != second.shape or not torch.equal(first.nan_to_num(), second.nan_to_num()):
            yield path
    elif isinstance(first, dict):
        if first.keys() != second.keys():
            yield f"{path}: keys {sorted(map(str, first.keys() ^ second.keys()))}"
        for key in first.keys() & second.keys():
            if key not in TIMES:
                yield from differences(first[key], second[key], f"{path}.{key}")
    elif isinstance(first, (list, tuple)):
        if len(first) != len(second):
            yield f"{path}: {len(first)} and {len(second)} entries"
        else:
            for place, pair in enumerate(zip(first, second, strict=True)):
                yield from differences(*pair, f"{path}[{place}]")
    elif first != second and not (first != first and second != second):
        yield f"{path}: {first!r:.80} and {second!r:.80}"


def require_same_end(reference: Path, directory: Path, *, rows: bool = True, events: bool = True) -> None:
    """Require that a run is complete and equals the reference.

    Args:
        reference: the run that was never stopped.
        directory: the run to judge.
        rows: compare ``metrics.csv``.
        events: compare TensorBoard's scalars, and of what the run warned; a part of them that was lost is warned of.

    Raises:
        Found: it is not complete, or anything that is compared differs.
    """
    record, wanted = record_of(directory), record_of(reference)
    require(record["status"] == "complete", "lost", f"{directory.name}: {record['status']} in place of complete")
    for part in ("metrics", "validation", "seed", "config_hash"):
        found = next(differences(wanted[part], record[part], part), None)
        require(found is None, "lost", f"result.json differs: {found}")
    newest = checkpoints(reference)[-1]
    same_step = directory / "checkpoints" / newest.name
    require(same_step.is_file(), "lost", f"no checkpoint {newest.name} at the end")
    first, second = (content_of(path)["state"] for path in (newest, same_step))
    if not events:
        first["warnings"] = second["warnings"] = []
    found = next(differences(first, second, "state"), None)
    require(found is None, "lost", f"the last checkpoint differs: {found}")
    if rows:
        one, other = rows_of(reference), rows_of(directory)
        missing, more = set(one) - set(other), set(other) - set(one)
        require(
            one == other,
            "lost",
            f"metrics.csv: {len(one)} rows expected, found {len(other)}; "
            f"missing {sorted(missing)[:2]}, too many {sorted(more)[:2]}",
        )
    if events:
        found = next(differences(scalars_of(reference), scalars_of(directory), "events"), None)
        require(found is None, "lost", f"TensorBoard's scalars differ: {found}")


def left_over(directory: Path) -> list[str]:
    """Return temporary files in a run directory."""
    return sorted(str(path.relative_to(directory)) for path in directory.rglob(".*") if path.name.endswith(".tmp"))


def fingerprint(folder: Path) -> dict[str, str]:
    """Return what is in a folder: of each file a checksum, of each link its target, of each folder nothing."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = ""
    return found
