"""An example to be imported by `zsl-data import`, written in every format, and the folder that it became."""

import csv

import h5py
import numpy as np
import scipy.io
import torch

from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.data.sources.xlsa17.source import load

NAMES = ("zebra", "cat", "élan", "polar bear", "ox, wild", "it's")
CLASSES, ROWS, WIDTH, ENTRIES = len(NAMES), 48, 7, 5


def example(seed=0):
    """Return features, labels as numbers and class vectors, in random order."""
    draw = np.random.default_rng(seed)
    labels = draw.permutation(np.repeat(np.arange(CLASSES), ROWS // CLASSES))
    features = draw.standard_normal((ROWS, WIDTH)).astype(np.float32)
    return features, labels, draw.standard_normal((CLASSES, ENTRIES)).astype(np.float32)


def named(labels):
    return [NAMES[label] for label in labels]


def as_npz(folder, features, labels, vectors):
    np.savez(folder / "f.npz", features=features, labels=np.array(named(labels)))
    np.savez(folder / "v.npz", class_vectors=vectors, names=np.array(NAMES))
    return ["--features", folder / "f.npz", "--class-vectors", folder / "v.npz"]


def as_npy(folder, features, labels, vectors):
    for name, array in (("f", features.astype(np.float64)), ("y", labels), ("v", vectors), ("n", np.array(NAMES))):
        np.save(folder / f"{name}.npy", array)
    files = {"features": "f", "labels": "y", "class-vectors": "v", "class-names": "n"}
    return [part for option, name in files.items() for part in (f"--{option}", folder / f"{name}.npy")]


def as_pt(folder, features, labels, vectors):
    torch.save(
        {"features": torch.tensor(features, requires_grad=True), "labels": torch.tensor(labels)}, folder / "f.pt"
    )
    torch.save({"class_vectors": torch.tensor(vectors.T.copy()).T, "names": list(NAMES)}, folder / "v.pt")
    return ["--features", folder / "f.pt", "--class-vectors", folder / "v.pt"]


def as_h5(folder, features, labels, vectors):
    with h5py.File(folder / "all.h5", "w") as file:
        file["train/x"] = features
        file.create_dataset("train/y", data=named(labels))
        file["classes/v"] = vectors
        file.create_dataset("classes/n", data=list(NAMES))
    names = {"features": "train/x", "labels": "train/y", "class-vectors": "classes/v", "class-names": "classes/n"}
    return [part for option, name in names.items() for part in (f"--{option}", f"{folder / 'all.h5'}:{name}")]


def as_csv(folder, features, labels, vectors):
    with (folder / "f.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["label", *(f"x{i}" for i in range(features.shape[1]))])
        writer.writerows([name, *map(repr, row.tolist())] for name, row in zip(named(labels), features, strict=True))
    with (folder / "v.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([name, *map(str, row)] for name, row in zip(NAMES, vectors, strict=True))
    return ["--features", folder / "f.csv", "--class-vectors", folder / "v.csv"]


def as_mat(folder, features, labels, vectors):
    cells = np.empty((CLASSES, 1), dtype=object)
    cells[:, 0] = NAMES
    scipy.io.savemat(folder / "f.mat", {"features": features.T, "labels": (labels + 1.0)[:, None]})
    scipy.io.savemat(folder / "v.mat", {"att": vectors.T, "allclasses_names": cells})
    files = ["--features", folder / "f.mat", "--class-vectors", folder / "v.mat"]
    return [*files, "--features-are", "D,N", "--class-vectors-are", "A,C", "--count-from", "1"]


FORMATS = (as_npz, as_npy, as_pt, as_h5, as_csv, as_mat)


def loaded(folder, **options):
    return load(XLSA17Conf(name="own", root=str(folder), cache=None, **options))
