"""Mutates data files: each is refused by name, or read as what the mutation makes of it and nothing else."""

from __future__ import annotations

import fcntl
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scripts.torture import feature_files, idx_files, picture_files
from scripts.torture.children import Place
from scripts.torture.loading import difference, loaded
from scripts.torture.mutation import Mutation
from scripts.torture.verdict import Found, Topic, require


@dataclass(frozen=True)
class Format:
    """A kind of data that is mutated.

    Attributes:
        dataset: the data set's name.
        options: its options beside ``root``.
        write: writes the sound files into a folder.
        mutations: what is done to them, by name.
    """

    dataset: str
    options: tuple[str, ...]
    write: Callable[[Path], Path]
    mutations: dict[str, Callable[[np.random.Generator, Path], Mutation]]


_FEATURES = ("validation_classes=3", "feature_scaling=none", "semantic_scaling=none")
_MASKED = ("side=null", "shares=[0.5,0.25,0.25]")
_LISTED = ("side=null",)
FORMATS: dict[str, Format] = {
    "features, version 5": Format("xlsa17", _FEATURES, feature_files.write_5, feature_files.MUTATIONS),
    "features, version 7.3": Format("xlsa17", _FEATURES, feature_files.write_73, feature_files.MUTATIONS),
    "folders of classes": Format("image_classes", ("side=null",), picture_files.write_classes, picture_files.CLASSES),
    "images and masks": Format("image_folder", _MASKED, picture_files.write_masked, picture_files.MASKED),
    "lists of names": Format("image_folder", _LISTED, picture_files.write_listed, picture_files.LISTS),
    "idx": Format("mnist_images", ("validation_rows=20",), idx_files.write_idx, idx_files.IDX),
    "npz": Format("dsprites", ("validation_rows=20", "test_rows=20"), idx_files.write_npz, idx_files.NPZ),
}
_KINDS = [(name, mutation) for name, entry in FORMATS.items() for mutation in entry.mutations]


def sound(name: str, shared: Path) -> dict[str, Any]:
    """Return the records of the files before any mutation; the first caller loads them."""
    entry, folder = FORMATS[name], shared / re.sub(r"\W+", "-", name)
    folder.mkdir(exist_ok=True)
    kept = folder / "records.pickle"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            place = Place(folder / "place")
            root = entry.write(folder / "sound")
            found = loaded(place, entry.dataset, f"root={root}", *entry.options)
            require(found.values is not None, "other", f"the sound files are refused: {found.refusal}")
            kept.write_bytes(pickle.dumps(found.values))
    values: dict[str, Any] = pickle.loads(kept.read_bytes())
    return values


def attempt(number: int, draw: np.random.Generator, folder: Path, shared: Path) -> tuple[str, str]:
    """Mutate one file and load it."""
    name, kind = _KINDS[number % len(_KINDS)]
    entry, what = FORMATS[name], f"{name}: {kind}"
    before = sound(name, shared)
    root = entry.write(folder / "data")
    mutation = entry.mutations[kind](draw, root)
    what = f"{what} ({mutation.told})"
    found = loaded(Place(folder), entry.dataset, f"root={root}", *entry.options, *mutation.options)
    if found.values is None:
        require(mutation.may_be_refused, "other", f"{what}: refused, though it is sound: {found.refusal}")
        named = any(word in found.refusal for word in mutation.names)
        require(named, "other", f"{what}: the message names none of {mutation.names}: {found.refusal:.400}")
        return "refused", what
    if mutation.expected is None:
        raise Found("silent", f"{what}: accepted; differs in {difference(before, found.values) or 'nothing'}")
    wanted = mutation.expected(before)
    where = difference(wanted, found.values)
    require(where is None, "silent", f"{what}: accepted, but {where} is not what it should be")
    return "equal", what


DATA = Topic("mutated data files", 420, attempt, lambda number: ": ".join(_KINDS[number % len(_KINDS)]))
