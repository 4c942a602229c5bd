"""Mutations of the two MATLAB files of the xlsa17 layout."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from scripts.torture import inputs
from scripts.torture.mutation import Mutation, Records, cut, flip, harmless

FEATURES, SPLITS = "res101.mat", "att_splits.mat"
LOCS = ("trainval_loc", "test_seen_loc", "test_unseen_loc")
MARK = "version-7.3"


def write_5(root: Path) -> Path:
    """Write sound files of version 5."""
    return inputs.write_features(root, *inputs.feature_arrays())


def write_73(root: Path) -> Path:
    """Write sound files of version 7.3, and a mark that they are."""
    inputs.write_features(root, *inputs.feature_arrays(), v73=True)
    (root / MARK).touch()
    return root


def _again(root: Path, features: dict[str, Any], splits: dict[str, Any]) -> None:
    inputs.write_features(root, features, splits, v73=(root / MARK).exists())


def truncated(draw: np.random.Generator, root: Path) -> Mutation:
    """Cut a file."""
    path = root / (FEATURES, SPLITS)[draw.integers(2)]
    return Mutation(cut(draw, path), (path.name,))


def flipped(draw: np.random.Generator, root: Path) -> Mutation:
    """Change a bit where no checksum is configured: what other readers of the file see is right."""
    path = root / (FEATURES, SPLITS)[draw.integers(2)]
    told = flip(draw, path)
    return Mutation(told, (FEATURES, SPLITS), lambda records: _as_stored(records, root))


def flipped_with_checksum(draw: np.random.Generator, root: Path) -> Mutation:
    """Change a bit under a configured checksum."""
    which = int(draw.integers(2))
    path, key = root / (FEATURES, SPLITS)[which], ("sha256_features", "sha256_splits")[which]
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    return Mutation(flip(draw, path), (path.name,), options=(f"{key}={checksum}",))


def swapped_files(draw: np.random.Generator, root: Path) -> Mutation:
    """Exchange the two files."""
    one, other = (root / FEATURES).read_bytes(), (root / SPLITS).read_bytes()
    (root / FEATURES).write_bytes(other), (root / SPLITS).write_bytes(one)
    return Mutation("files exchanged", (FEATURES, SPLITS))


def missing_field(draw: np.random.Generator, root: Path) -> Mutation:
    """Leave out a field."""
    features, splits = inputs.feature_arrays()
    field = ("features", "labels", "att", *LOCS)[draw.integers(6)]
    features.pop(field, None), splits.pop(field, None)
    _again(root, features, splits)
    return Mutation(f"no {field}", (field,))


def transposed(draw: np.random.Generator, root: Path) -> Mutation:
    """Store a matrix the wrong way round."""
    features, splits = inputs.feature_arrays()
    if draw.random() < 0.5:
        features["features"] = features["features"].T
        name = "features"
    else:
        splits["att"] = splits["att"].T
        name = "att"
    _again(root, features, splits)
    return Mutation(f"{name} transposed", ("transposed",))


def not_finite(draw: np.random.Generator, root: Path) -> Mutation:
    """Put NaN, infinity or what float32 cannot hold into a matrix."""
    features, splits = inputs.feature_arrays()
    value = (np.nan, np.inf, -np.inf, 1e300)[draw.integers(4)]
    name, matrix = (("features", features["features"]), ("att", splits["att"]))[draw.integers(2)]
    matrix[draw.integers(matrix.shape[0]), draw.integers(matrix.shape[1])] = value
    _again(root, features, splits)
    return Mutation(f"{value} in {name}", (FEATURES if name == "features" else SPLITS,))


def wrong_labels(draw: np.random.Generator, root: Path) -> Mutation:
    """Put labels that are no class, fractions, or labels from 0."""
    features, splits = inputs.feature_arrays()
    labels = features["labels"].astype(float)
    how = int(draw.integers(6))
    place = draw.integers(len(labels))
    if how == 0:
        labels[place] = 0
    elif how == 1:
        labels[place] = 99
    elif how == 2:
        labels[place] = -3
    elif how == 3:
        labels[place] += 0.5
    elif how == 4:
        labels[place] = np.nan
    else:
        labels -= 1
    features["labels"] = labels
    _again(root, features, splits)
    return Mutation(f"labels, way {how}", (FEATURES, "labels"))


def wrong_rows(draw: np.random.Generator, root: Path) -> Mutation:
    """Put row numbers that are none, that stand twice or in two splits, or a row of an unseen class into training."""
    features, splits = inputs.feature_arrays()
    name = LOCS[draw.integers(3)]
    rows = splits[name].copy()
    other = splits[LOCS[(LOCS.index(name) + 1) % 3]]
    how = int(draw.integers(6))
    place = draw.integers(len(rows))
    rows[place] = (0, 100_000, -1, rows[place - 1].item(), other[0].item(), rows[place].item())[how]
    splits[name] = rows if how != 5 else rows[:0]
    _again(root, features, splits)
    return Mutation(f"{name}, way {how}", (SPLITS,))


def wrong_size(draw: np.random.Generator, root: Path) -> Mutation:
    """Leave out a row of labels, a column of features, a class vector or a name."""
    features, splits = inputs.feature_arrays()
    how = int(draw.integers(4))
    if how == 0:
        features["labels"] = features["labels"][:-1]
    elif how == 1:
        features["features"] = features["features"][:, 1:]
    elif how == 2:
        splits["att"] = splits["att"][:, :-1]
    else:
        splits["allclasses_names"] = splits["allclasses_names"][:-1]
    _again(root, features, splits)
    return Mutation(f"sizes, way {how}", (FEATURES, SPLITS))


def wrong_type(draw: np.random.Generator, root: Path) -> Mutation:
    """Put text, complex numbers or a third axis where numbers belong."""
    features, splits = inputs.feature_arrays()
    how = int(draw.integers(3))
    if how == 0:
        features["features"] = features["features"][..., None].repeat(2, -1)
    elif how == 1:
        features["features"] = features["features"] + 1j
    else:
        splits["trainval_loc"] = np.array(["a", "b"], dtype=object)
    _again(root, features, splits)
    return Mutation(f"types, way {how}", (FEATURES, SPLITS))


def scaled_vectors(draw: np.random.Generator, root: Path) -> Mutation:
    """Scale the class vectors, which are of unit norm by contract."""
    features, splits = inputs.feature_arrays()
    splits["att"] = splits["att"] * (0.0, 2.0, 100.0)[draw.integers(3)]
    _again(root, features, splits)
    return Mutation("norms of att", ("att",))


def other_types_of_numbers(draw: np.random.Generator, root: Path) -> Mutation:
    """Store labels and rows in another type or as rows, which means the same."""
    features, splits = inputs.feature_arrays()
    kind = (np.uint16, np.int32, np.float64, np.uint64)[draw.integers(4)]
    features["labels"] = features["labels"].astype(kind)
    for name in LOCS:
        splits[name] = splits[name].astype(kind)
        if draw.random() < 0.5:
            splits[name] = splits[name].T
    _again(root, features, splits)
    return harmless(f"rows and labels as {kind.__name__}")


def shuffled_rows(draw: np.random.Generator, root: Path) -> Mutation:
    """Put the row numbers in another order, which means the same."""
    features, splits = inputs.feature_arrays()
    for name in LOCS:
        splits[name] = draw.permutation(splits[name])
    _again(root, features, splits)
    return harmless("row numbers in another order")


def other_feature(draw: np.random.Generator, root: Path) -> Mutation:
    """Change one number: the records must have the new one, whatever a cache holds."""
    features, splits = inputs.feature_arrays()
    row, column = int(draw.integers(360)), int(draw.integers(16))
    features["features"][column, row] = 7.0
    _again(root, features, splits)

    def expected(records: Records) -> Records:
        changed = records["features"].copy()
        changed[row, column] = 7.0
        return {**records, "features": changed}

    return Mutation(f"feature {column} of row {row}", (), expected, may_be_refused=False)


def another_kind_of_file(draw: np.random.Generator, root: Path) -> Mutation:
    """Put something else in a file's place: nothing, text, a folder, a link to nowhere or to itself."""
    path = root / (FEATURES, SPLITS)[draw.integers(2)]
    path.unlink()
    how = int(draw.integers(6))
    if how == 0:
        path.write_bytes(b"")
    elif how == 1:
        path.write_text("<html>not found</html>\n")
    elif how == 2:
        path.mkdir()
    elif how == 3:
        path.symlink_to(root / "nowhere")
    elif how == 4:
        path.symlink_to(path)
    else:
        path.write_bytes(draw.bytes(5000))
    return Mutation(f"{path.name}, way {how}", (path.name,))


def linked_file(draw: np.random.Generator, root: Path) -> Mutation:
    """Put a link in a file's place."""
    path = root / FEATURES
    os.rename(path, root / "elsewhere.mat")
    path.symlink_to(root / "elsewhere.mat")
    return harmless("a link to the features")


def _as_stored(records: Records, root: Path) -> Records:
    """Return records as SciPy or h5py read the files as they are now."""
    features, splits = (_variables(root / name) for name in (FEATURES, SPLITS))
    matrix = np.asarray(features["features"], dtype=np.float64).astype(np.float32).T
    return {
        **records,
        "features": matrix,
        "class_vectors": np.asarray(splits["att"]).T.astype(np.float32),
        "labels": np.asarray(features["labels"]).ravel().astype(np.int64) - 1,
        "class_names": tuple(_names(root, splits)),
        **{
            key: np.sort(np.asarray(splits[f"{key}_loc"]).ravel().astype(np.int64) - 1)
            for key in ("trainval", "test_seen", "test_unseen")
        },
    }


def _variables(path: Path) -> dict[str, Any]:
    import h5py
    import scipy.io

    if not h5py.is_hdf5(path):
        found: dict[str, Any] = scipy.io.loadmat(path)
        return found
    with h5py.File(path, "r") as file:
        return {
            name: ["".join(map(chr, np.ravel(file[cell][()]))) for cell in np.ravel(item[()].T, order="F")]
            if item.dtype == h5py.ref_dtype
            else np.asarray(item[()]).T
            for name, item in file.items()
            if isinstance(item, h5py.Dataset)
        }


def _names(root: Path, splits: dict[str, Any]) -> list[str]:
    if "allclasses_names" not in splits:
        return [f"class_{number:03d}" for number in range(1, 13)]
    return ["".join(np.ravel(name)) for name in np.ravel(splits["allclasses_names"])]


MUTATIONS: dict[str, Callable[[np.random.Generator, Path], Mutation]] = {
    "cut": truncated,
    "a bit": flipped,
    "a bit under a checksum": flipped_with_checksum,
    "files exchanged": swapped_files,
    "a field missing": missing_field,
    "transposed": transposed,
    "not finite": not_finite,
    "wrong labels": wrong_labels,
    "wrong rows": wrong_rows,
    "wrong sizes": wrong_size,
    "wrong types": wrong_type,
    "scaled class vectors": scaled_vectors,
    "other types of numbers": other_types_of_numbers,
    "another order": shuffled_rows,
    "another number": other_feature,
    "another kind of file": another_kind_of_file,
    "a link": linked_file,
    "another bit": flipped,
}
