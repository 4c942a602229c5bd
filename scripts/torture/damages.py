"""What can happen to a run directory, and what may come of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scripts.torture import inputs
from scripts.torture.comparing import checkpoints
from scripts.torture.mutation import cut, flip

OTHER = "other+seed-1"
"""Directory of the run of another seed."""


@dataclass
class Damage:
    """What was done to a run directory.

    Attributes:
        told: in words.
        takes: whether a stopped run may be continued, to the end of the unbroken one.
        refuses: whether a refusal is right.
        rows: whether ``metrics.csv`` can be expected to be whole in the end.
        other_data: the data are no longer those of the run.
        unknowable: the record's own metrics were changed, which nothing tells of a whole run.
        begins: a refusal may come after the run has begun; then its checkpoints and its configuration alone must stay.
        without_privileges: run the commands without root's privileges, for whom permissions do not count.
        restore: undoes what would keep the folder from being removed.
    """

    told: str
    takes: bool = True
    refuses: bool = True
    rows: bool = True
    other_data: bool = False
    unknowable: bool = False
    begins: bool = False
    without_privileges: bool = False
    restore: list[Callable[[], None]] = field(default_factory=list)


DamageOf = Callable[[np.random.Generator, Path, Path], Damage]


def _newest(directory: Path) -> Path:
    return checkpoints(directory)[-1]


def cut_checkpoint(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Cut the newest checkpoint; the one before it is whole."""
    return Damage(cut(draw, _newest(directory)), refuses=False)


def flipped_checkpoint(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Change a bit of the newest checkpoint."""
    return Damage(flip(draw, _newest(directory)), refuses=False)


def all_checkpoints_damaged(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Damage every checkpoint: there is nothing to go on with, and that is said."""
    for path in checkpoints(directory):
        (cut if draw.random() < 0.5 else flip)(draw, path)
    return Damage("all checkpoints damaged")


def all_checkpoints_flipped(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Change a bit of every checkpoint."""
    return Damage("; ".join(flip(draw, path) for path in checkpoints(directory)))


def removed(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Remove one of the files."""
    files = [path for path in sorted(directory.rglob("*")) if path.is_file() and path.name != ".lock"]
    path = files[draw.integers(len(files))]
    path.unlink()
    is_event = path.name.startswith("events")
    return Damage(f"{path.name} removed", refuses=not is_event, rows=path.name != "metrics.csv")


def cut_file(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Cut the configuration, the record, the table or an event file."""
    files = [path for path in sorted(directory.iterdir()) if path.is_file() and path.name != ".lock"]
    path = files[draw.integers(len(files))]
    return Damage(cut(draw, path), rows=path.name != "metrics.csv")


def flipped_file(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Change a bit of the record, the table or an event file; of the numbers in a table nobody can tell."""
    files = [
        path for path in sorted(directory.iterdir()) if path.is_file() and path.name not in (".lock", "config.yaml")
    ]
    path = files[draw.integers(len(files))]
    told = flip(draw, path)
    return Damage(told, rows=path.name != "metrics.csv", unknowable=path.name == "result.json")


def edited_configuration(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Change a value in the saved configuration that decides the metrics."""
    path = directory / "config.yaml"
    text = path.read_text()
    changes = (
        ("\nseed: 0\n", "\nseed: 1\n"),
        ("    lr: 0.001", "    lr: 0.01"),
        ("pretrain_steps: 30", "pretrain_steps: 20"),
        ("latent_dim: 4", "latent_dim: 5"),
        ("batch_size: 16", "batch_size: 15"),
        ("iterations: 30", "iterations: 31"),
        ("semantic_scaling: center", "semantic_scaling: none"),
        ("holdout: 0.2", "holdout: 0.3"),
        ("select: last", "select: val"),
    )
    old, new = changes[draw.integers(len(changes))]
    assert old in text, old
    path.write_text(text.replace(old, new))
    return Damage(f"config.yaml: {new.strip()}", takes=False)


def broken_configuration(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Write something else in place of the saved configuration."""
    contents = (
        b"",
        b"[" * 2000,
        b"\xff\xfe",
        b"- 1\n",
        b"seed: [\n",
        b"defaults:\n  - config\n",
        b"seed: ${seed}\n",
        b"a: &x [*x]\n",
    )
    how = int(draw.integers(len(contents)))
    (directory / "config.yaml").write_bytes(contents[how])
    return Damage(f"config.yaml, way {how}", takes=False)


def broken_record(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Write something else in place of the record."""
    contents = (
        b"",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"status": "complete"}',
        b"1e999",
        b'"x"',
        b'{"status": 1, "model": 2}',
        b"\x00" * 100,
    )
    how = int(draw.integers(len(contents)))
    (directory / "result.json").write_bytes(contents[how])
    return Damage(f"result.json, way {how}")


def edited_record(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Change fields of the record to other types and values."""
    path = directory / "result.json"
    content = json.loads(path.read_text())
    key = list(content)[draw.integers(len(content))]
    values: tuple[Any, ...] = (
        None,
        1,
        "x",
        [],
        {},
        True,
        {"a": {"b": [1]}},
        -1,
        1e300,
        [None],
        {"test/H": "x"},
        {"test/H": None},
    )
    content[key] = values[draw.integers(len(values))]
    path.write_text(json.dumps(content))
    return Damage(f"result.json: {key} is {content[key]!r}", unknowable=key in ("metrics", "quantities", "validation"))


def foreign_record(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Put the record of a run of another seed, which calls itself complete, in place of this one's."""
    content = json.loads((directory.parent / OTHER / "result.json").read_text())
    content["seed"] = 0
    (directory / "result.json").write_text(json.dumps(content))
    return Damage("the record of another run")


def foreign_checkpoints(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Put the checkpoints of another run in place of this one's."""
    shutil.rmtree(directory / "checkpoints")
    shutil.copytree(directory.parent / OTHER / "checkpoints", directory / "checkpoints")
    return Damage("checkpoints of another seed", takes=False)


def one_foreign_checkpoint(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Put a checkpoint of another run beside this one's, as the newest."""
    source = _newest(directory.parent / OTHER)
    shutil.copy(source, directory / "checkpoints" / "step-000000999.pt")
    return Damage("the newest checkpoint is of another seed")


def renamed_checkpoint(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Rename the oldest checkpoint as if it were the newest."""
    checkpoints(directory)[0].rename(directory / "checkpoints" / "step-000000998.pt")
    return Damage("the oldest checkpoint is called the newest", rows=False)


def other_data(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Exchange the data under the run: other numbers in files of the same size."""
    features, splits = inputs.feature_arrays()
    features["features"] = np.roll(features["features"], int(draw.integers(1, 300)), 1)
    inputs.write_features(home / "features", features, splits)
    return Damage("data exchanged", takes=False, other_data=True)


def no_data(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Remove the data."""
    shutil.rmtree(home / "features")
    return Damage("data removed", takes=False)


def unreadable(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Take the permission to read a file or folder."""
    names = ("checkpoints", "config.yaml", "result.json", "metrics.csv")
    path = directory / names[draw.integers(len(names))]
    mode = path.stat().st_mode
    path.chmod(0)
    return Damage(f"{path.name} unreadable", takes=False, without_privileges=True, restore=[lambda: path.chmod(mode)])


def read_only(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Take the permission to write into the folder or that of the checkpoints."""
    path = (directory, directory / "checkpoints")[draw.integers(2)]
    mode = path.stat().st_mode
    path.chmod(0o555)
    return Damage(
        f"{path.name} not writable",
        takes=False,
        begins=True,
        without_privileges=True,
        restore=[lambda: path.chmod(mode)],
    )


def another_kind(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Put a folder, a link to itself or to nowhere in place of a file."""
    names = ("config.yaml", "result.json", "metrics.csv", "checkpoints", ".lock")
    path = directory / names[draw.integers(len(names))]
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    how = int(draw.integers(3))
    if how == 0:
        path.mkdir() if path.name != "checkpoints" else path.write_text("x")
    elif how == 1:
        path.symlink_to(path)
    else:
        path.symlink_to(directory / "nowhere" / "at" / "all")
    return Damage(f"{path.name}, way {how}", rows=path.name != "metrics.csv")


def moved(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Put a link to the run in its place: it is the same run."""
    elsewhere = home / "elsewhere"
    os.rename(directory, elsewhere)
    directory.symlink_to(elsewhere)
    return Damage("a link to the run", refuses=False)


def torn_table(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Tear the last line of the table, or put odd bytes between its lines."""
    path = directory / "metrics.csv"
    content = path.read_bytes()
    how = int(draw.integers(6))
    middle = content.index(b"\n", len(content) // 2) + 1
    odd = (b"", b"\r", b"\x00\n", b"\xff\xfe\n", b'"\n', b"1,2\n")[how]
    torn = content + b"97,tune,em,tune/em/lo" if how == 0 else content[:middle] + odd + content[middle:]
    path.write_bytes(torn)
    return Damage(f"metrics.csv, way {how}", refuses=how != 0, rows=how == 0)


def left_behind(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Leave the temporary files of a process that was killed."""
    newest = _newest(directory)
    newest.with_name(f".{newest.name}.4194303.tmp").write_bytes(newest.read_bytes()[:1000])
    (directory / ".result.json.0a1b2c3d.tmp").write_text("{")
    (directory / ".metrics.csv.0a1b2c3d.tmp").write_text("")
    return Damage("temporary files", refuses=False)


def emptied(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Empty or remove the folder of checkpoints."""
    shutil.rmtree(directory / "checkpoints")
    if draw.random() < 0.5:
        (directory / "checkpoints").mkdir()
    return Damage("no checkpoints")


DAMAGES: dict[str, DamageOf] = {
    "a cut checkpoint": cut_checkpoint,
    "a bit of a checkpoint": flipped_checkpoint,
    "all checkpoints": all_checkpoints_damaged,
    "a bit of each checkpoint": all_checkpoints_flipped,
    "a file removed": removed,
    "a file cut": cut_file,
    "a bit of a file": flipped_file,
    "the configuration edited": edited_configuration,
    "the configuration broken": broken_configuration,
    "the record broken": broken_record,
    "the record edited": edited_record,
    "another run's record": foreign_record,
    "another run's checkpoints": foreign_checkpoints,
    "another run's newest checkpoint": one_foreign_checkpoint,
    "a checkpoint renamed": renamed_checkpoint,
    "other data": other_data,
    "no data": no_data,
    "unreadable": unreadable,
    "read-only": read_only,
    "another kind of file": another_kind,
    "a link": moved,
    "the table torn": torn_table,
    "left behind": left_behind,
    "no checkpoints": emptied,
}
