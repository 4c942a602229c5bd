"""`zsl-data import`: what does not fit is refused in one sentence, damage is named, no code in a file is run."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.data.data_command import run
from tests.data.importing.example import FORMATS, NAMES, ROWS, as_csv, as_mat, as_npy, as_npz, as_pt, example, named

pytestmark = pytest.mark.usefixtures("no_real_data")


def damage(tmp_path, features, labels, vectors, change):
    """Write the example as npz after a change of its arrays by name."""
    content = {
        "features": features,
        "labels": np.array(named(labels)),
        "class_vectors": vectors,
        "names": np.array(NAMES),
    }
    change(content)
    np.savez(tmp_path / "f.npz", **{name: content[name] for name in ("features", "labels") if name in content})
    np.savez(tmp_path / "v.npz", **{name: content[name] for name in ("class_vectors", "names") if name in content})
    return ["--features", tmp_path / "f.npz", "--class-vectors", tmp_path / "v.npz"]


def nameless(content):
    """Return the labels as numbers, as they are without names."""
    return {"labels": np.array([NAMES.index(name) for name in content["labels"]])}


def put(name, value):
    return lambda content: content.update({name: value(content[name])})


def at(place, value):
    def changed(array):
        array = array.copy()
        array[place] = value
        return array

    return changed


BAD = {
    "labels too short": (put("labels", lambda y: y[:-1]), "expected a row for each of the 47 labels"),
    "features transposed": (put("features", np.transpose), "say --features-are D,N"),
    "features of three axes": (put("features", lambda x: x[None]), "expected a non-empty matrix of real numbers"),
    "features empty": (put("features", lambda x: x[:, :0]), "expected a non-empty matrix of real numbers"),
    "features as text": (put("features", lambda x: x.astype(str)), "found a table of text, 48 x 7; save numbers as"),
    "complex features": (put("features", lambda x: x * 1j), "expected a non-empty matrix of real numbers"),
    "features of objects": (put("features", lambda x: x.astype(object)), "Python objects, which are not loaded"),
    "NaN in features": (
        put("features", at((5, 2), np.nan)),
        "found NaN, infinity or what float32 cannot hold in 1 of 48",
    ),
    "features too large": (
        put("features", lambda x: x.astype(np.float64) * 1e300),
        "what float32 cannot hold in 48 of 48",
    ),
    "features whose squares overflow": (
        put("features", lambda x: x.astype(np.float64) * 1e20),
        "f.npz: features: expected a largest value of 1e-10 to 1e+15 in size, found",
    ),
    "features whose squares vanish": (put("features", lambda x: x * 1e-20), "expected a largest value of 1e-10 to"),
    "infinite class vectors": (put("class_vectors", at((0, 0), np.inf)), "class_vectors: expected finite numbers"),
    "class vectors transposed": (
        lambda c: c.update(class_vectors=np.ones((8, 6)).cumsum(0)),
        "say --class-vectors-are A,C",
    ),
    "few class vectors transposed, without names": (
        lambda c: c.update(nameless(c), class_vectors=np.ones((5, 6)).cumsum(0)) or c.pop("names"),
        "f.npz: labels, found 5 rows of 6 (--class-vectors-are C,A); the class vectors are transposed: say --class-",
    ),
    "many class vectors transposed, without names": (
        lambda c: c.update(nameless(c), class_vectors=np.ones((8, 6)).cumsum(0)) or c.pop("names"),
        "found 8 rows of 6 (--class-vectors-are C,A); the class vectors are transposed: say --class-vectors-are A,C",
    ),
    "class vectors of zeros": (
        put("class_vectors", at(2, 0)),
        "expected class vectors other than zero, found zeros of élan",
    ),
    "class vectors of one direction": (
        put("class_vectors", lambda v: np.outer(np.arange(1, 7), v[0])),
        "expected class vectors of different directions, found one",
    ),
    "rows that are all alike": (put("features", lambda x: x * 0), "f.npz: features: expected rows that differ"),
    "a class vector too many": (put("class_vectors", lambda v: np.vstack([v, v[:1]])), "each of the 6 names"),
    "an unknown label": (put("labels", at(3, "Cat")), "found Cat; the case of letters counts: there is cat"),
    "one class": (put("labels", lambda y: np.full_like(y, "cat")), "expected several classes, found one, cat"),
    "a class without rows": (put("labels", lambda y: np.where(y == "zebra", "cat", y)), "found none of zebra"),
    "a name twice": (put("names", at(0, "cat")), "expected a name of its own for each class, found cat"),
    "an empty name": (put("names", at(0, " ")), "expected a name of its own for each class"),
    "names as numbers": (put("names", lambda n: np.arange(len(n))), "expected names, found"),
    "names as labels without names": (lambda c: c.pop("names"), "give them with --class-names FILE"),
    "no labels": (lambda c: c.pop("labels"), "give them with --labels FILE"),
    "no class vectors": (lambda c: c.update(att2=c.pop("class_vectors")), "v.npz: names: expected a non-empty matrix"),
    "labels from one": (
        put("labels", lambda y: np.array([1 + NAMES.index(name) for name in y])),
        "expected numbers of classes, 0 to 5 (--count-from 0), found 1 to 6; --count-from 1 would fit",
    ),
    "labels of fractions": (
        put("labels", lambda y: np.arange(ROWS) % 6 + 0.5),
        "expected whole numbers, found fractions",
    ),
    "labels of NaN": (
        put("labels", lambda y: np.full(ROWS, np.nan)),
        "expected whole numbers, found NaN or infinity",
    ),
    "labels of more digits than a number has": (
        put("labels", lambda y: np.where(y == "cat", "9" * 400, "1")),
        "labels: expected whole numbers, found NaN or infinity",
    ),
    "labels in Latin-1": (
        put("labels", lambda y: np.char.encode(y, "latin-1")),
        r"labels: expected numbers or text, found bytes that are no UTF-8 text, such as b'\xe9lan'; save them as UTF-8",
    ),
    "names of folders in Latin-1": (
        put("names", at(2, b"\xe9lan".decode(errors="surrogateescape"))),
        r"names: expected text, found '\udce9lan', which no text file can hold",
    ),
    "a table of names": (
        put("names", lambda n: n.reshape(2, 3)),
        "names: expected numbers or text, found a table of text, 2 x 3; save numbers as numbers, and names as a list",
    ),
}
MENDED_BY_AN_OPTION = (
    "features transposed",
    "class vectors transposed",
    "few class vectors transposed, without names",
    "many class vectors transposed, without names",
    "names as labels without names",
    "no labels",
    "labels from one",
)


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_refused_in_one_error(case, tmp_path, capsys):
    change, expected = BAD[case]
    arguments = damage(tmp_path, *example(), change)
    before = sorted(tmp_path.iterdir())
    code, out, err = run(capsys, "import", tmp_path / "mine", *arguments, "--unseen", "cat,polar bear")
    assert (code, out) == (2 if case in MENDED_BY_AN_OPTION else 1, "")
    assert expected in err
    assert err.count("expected") == 1 or "give them" in err
    assert err.startswith("zsl-data: ")
    assert "Traceback" not in err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat,1,2\ndog,1", "row 2: expected 3 cells"),
        ("cat;1;2\ndog;1;3", "expected commas"),
        (",x,y\n0,1,2", "column 1 has no heading"),
        (",0,1\ncat,1,2", "column 1 has no heading"),
        ("0,1,2\n4,5,6\n7,8,9", "row 1: expected numbers of the data or names of columns, found 0, 1 to 2"),
        ("name,x,y\ncat,1,two", "row 2, column 3: expected a number, found 'two'"),
        ("name,name,y\ncat,1,2", "expected one column name, found two"),
        ("", "expected a .csv file, found an empty file"),
        ("\n \n", "expected a table, found no line"),
    ],
)
def test_tables_that_cannot_be_read_say_where(text, expected, tmp_path, capsys):
    arguments = as_npz(tmp_path, *example())
    (tmp_path / "v.csv").write_text(text)
    arguments[3] = tmp_path / "v.csv"
    code, _, err = run(capsys, "import", tmp_path / "mine", *arguments, "--unseen", "cat")
    assert code == 1
    assert f"v.csv: {expected}" in err


@pytest.mark.parametrize("write", FORMATS)
def test_damaged_files_are_named(write, tmp_path, capsys):
    arguments = write(tmp_path, *example())
    path = Path(str(arguments[1]).partition(":")[0])
    whole = path.read_bytes()
    halves = [] if write is as_csv else [whole[: len(whole) // 2]]  # half a table is a table
    for content in (*halves, b"", b"\x80\x04" + os.urandom(200)):
        path.write_bytes(content)
        code, _, err = run(capsys, "import", tmp_path / "mine", *arguments, "--unseen", "cat")
        assert code == 1
        assert err.startswith(f"zsl-data: {path}: ")
        assert "Traceback" not in err
        assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("write", [as_npz, as_npy, as_pt, as_csv, as_mat])
def test_wrong_bytes_end_in_a_folder_or_one_error(write, tmp_path, capsys):
    """A byte that is wrong may be the value of a feature, or what a parser stumbles over."""
    arguments = write(tmp_path, *example())
    path = Path(str(arguments[1]))
    whole, draw = path.read_bytes(), np.random.default_rng(0)
    for number in range(25):
        damaged = bytearray(whole)
        for place in draw.integers(len(whole), size=1 + number % 3):
            damaged[place] = draw.integers(256)
        path.write_bytes(damaged)
        folder = tmp_path / f"mine{number}"
        code, _, err = run(capsys, "import", folder, *arguments, "--unseen", "cat")
        assert (code == 0) == folder.exists()
        assert code == 0 or (code in (1, 2) and err.startswith("zsl-data: ") and "Traceback" not in err), err
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


class Payload:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (os.mkdir, ("unpickled",))


@pytest.mark.parametrize("kind", ["pt", "npy", "npz", "module"])
def test_no_code_in_a_file_is_run(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = as_npz(tmp_path, *example())
    path = tmp_path / f"bad.{'pt' if kind == 'module' else kind}"
    bad = np.array([Payload()], dtype=object)
    if kind == "pt":
        path.write_bytes(pickle.dumps({"features": Payload()}))
    elif kind == "module":
        torch.save({"features": torch.nn.Linear(2, 3)}, path)
    else:
        (np.save if kind == "npy" else np.savez)(path, bad)
    arguments[1] = path
    code, _, err = run(capsys, "import", tmp_path / "mine", *arguments, "--labels", "f.npz", "--unseen", "cat")
    assert code == 1
    assert "Python objects, which are not loaded because that would run code of theirs" in err
    assert not (tmp_path / "unpickled").exists()
    assert not (tmp_path / "mine").exists()
