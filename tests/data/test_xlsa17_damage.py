"""MATLAB files that are damaged, turned, foreign or a trap: one error that names the field as the file does."""

import os
import re
import tracemalloc

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from tests.data.damage import damaged, times
from zsl_runner.data.sources.xlsa17.layout import read_features, read_splits
from zsl_runner.data.sources.xlsa17.source import load
from zsl_runner.errors import DataError

VERSIONS = pytest.mark.parametrize("version_7_3", [False, True], ids=["version 5", "version 7.3"])
NAMES = ("res101.mat", "att_splits.mat")


def refusal(conf, read=load):
    with pytest.raises(DataError) as caught:
        read(conf)
    return str(caught.value)


def sound_or_refused(conf, contents, data):
    which = data.draw(st.sampled_from(NAMES))
    conf.file(which).write_bytes(damaged(contents[which], data))
    try:
        records = load(conf)
        problems = records.problems()
    except DataError as error:
        problems = [] if conf.root in str(error) else [f"{error} does not name the folder"]
    finally:
        conf.file(which).write_bytes(contents[which])
    assert problems == []


def fuzzed(xlsa17_folder, version_7_3, examples):
    conf = xlsa17_folder(version_7_3=version_7_3)
    contents = {name: conf.file(name).read_bytes() for name in NAMES}

    @times(examples)
    @given(st.data())
    def check(data):
        sound_or_refused(conf, contents, data)

    check()


@VERSIONS
@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_are_refused_or_leave_sound_records(xlsa17_folder, version_7_3):
    fuzzed(xlsa17_folder, version_7_3, 60)


@pytest.mark.slow
@VERSIONS
@pytest.mark.filterwarnings("ignore")
def test_much_damage_is_refused_or_leaves_sound_records(xlsa17_folder, version_7_3):
    fuzzed(xlsa17_folder, version_7_3, 2500)


@VERSIONS
@pytest.mark.parametrize("names", [True, False], ids=["names", "no names"])
@pytest.mark.parametrize("field", ["att", "original_att"])
def test_turned_class_vectors_are_called_transposed(xlsa17_folder, version_7_3, names, field):
    changes = {} if names else {"allclasses_names": None}
    vectors = np.eye(9)[:, :6] if field == "att" else np.arange(54.0).reshape(9, 6)
    for shape, columns in (((9, 6), 6), ((5, 6), 6)):
        turned = vectors[: shape[0]].T
        conf = xlsa17_folder(version_7_3=version_7_3, conf={"semantics": field}, **{field: turned}, **changes)
        message = refusal(conf)
        assert f"att_splits.mat: {field}: expected A x {columns} (a column for each class), " in message
        assert f"found {turned.shape[0]} x {turned.shape[1]}; {field} is transposed: save {field}.T instead" in message
        assert "require_unit_norm" not in message
        assert "labels" not in message


def test_a_turned_square_matrix_is_told_by_its_norms(xlsa17_folder):
    vectors = np.random.default_rng(0).normal(size=(6, 6))
    vectors /= np.linalg.norm(vectors, axis=0)
    assert load(xlsa17_folder(att=vectors)).class_vectors.shape == (6, 6)
    message = refusal(xlsa17_folder(att=vectors.T))
    assert "att: expected unit L2 norm per class" in message
    assert "its rows have it, att is transposed: save att.T instead" in message
    assert "require_unit_norm" not in message


def test_turned_features_and_sentence_embeddings(xlsa17_folder):
    message = refusal(xlsa17_folder(features=np.ones((60, 7))))
    assert "found 60 x 7; features is transposed: save features.T instead" in message
    conf = xlsa17_folder(conf={"semantics": "sent"})
    stored = {k: v for k, v in scipy.io.loadmat(conf.file("att_splits.mat")).items() if k[0] != "_"}
    scipy.io.savemat(conf.file("sent_splits.mat"), stored | {"att": np.random.default_rng(0).normal(size=(6, 20))})
    message = refusal(conf)
    assert "sent_splits.mat: att: expected A x 6 (a column for each class), found 6 x 20; att is transposed" in message


@VERSIONS
def test_rows_and_columns_of_numbers_are_alike(xlsa17_folder, version_7_3):
    conf = xlsa17_folder(version_7_3=version_7_3)
    expected = load(conf)
    labels = (expected.labels + 1).reshape(1, -1)
    trainval = (expected.trainval + 1).reshape(1, -1).astype(float)
    turned = load(xlsa17_folder(version_7_3=version_7_3, labels=labels, trainval_loc=trainval))
    np.testing.assert_array_equal(turned.labels, expected.labels)
    np.testing.assert_array_equal(turned.trainval, expected.trainval)


def test_messages_count_classes_as_the_file_does(xlsa17_folder):
    """Class 5 of the file, `bat`, is 4 in the program."""
    conf = xlsa17_folder()
    records = load(conf)
    rows = records.test_unseen[records.labels[records.test_unseen] == 4] + 1
    seen = np.append(records.trainval + 1, rows[:1]).reshape(-1, 1)
    assert "trainval_loc, test_unseen_loc: seen and unseen must be disjoint, both hold 5" in refusal(
        xlsa17_folder(trainval_loc=seen)
    )
    test = np.append(records.test_seen + 1, rows[:1]).reshape(-1, 1)
    assert "att_splits.mat: test_seen_loc: holds rows of classes 5 that do not belong there" in refusal(
        xlsa17_folder(test_seen_loc=test)
    )


def test_classes_of_one_name_are_refused(xlsa17_folder):
    names = ("zebra", "ant", "zebra", "owl", "bat", "ant")
    expected = "allclasses_names: expected another name for each class, found 'zebra', 'ant' more than once; without"
    assert expected in refusal(xlsa17_folder(allclasses_names=names))
    assert load(xlsa17_folder(allclasses_names=None)).class_names[:2] == ("class_001", "class_002")


FOREIGN = {
    "text": ("a", "b"),
    "complex numbers": np.ones((3, 60), dtype=complex),
    "fractions": np.full((60, 1), 1.5),
    "2**63": np.full((60, 1), 2**63, dtype=np.uint64),
    "1e300": np.full((60, 1), 1e300),
    "-1e300": np.full((60, 1), -1e300),
    "NaN": np.full((60, 1), np.nan),
    "infinity": np.full((60, 1), -np.inf),
    "three axes": np.ones((6, 5, 2)),
    "empty": np.empty((0, 1)),
}


@VERSIONS
@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("field", ["labels", "trainval_loc", "val_loc"])
def test_what_is_no_column_of_numbers_is_refused_by_field(xlsa17_folder, version_7_3, kind, field):
    message = refusal(xlsa17_folder(version_7_3=version_7_3, **{field: FOREIGN[kind]}))
    assert f"field {field}: expected " in message


def cells(entry):
    found = np.empty((1, 1), dtype=object)
    found[0, 0] = entry
    return found


@pytest.mark.parametrize("field", ["features", "att"])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": 1.0}, "a struct"),
        (cells(cells("x")), "cells of other things than text"),
        (np.ones((7, 60), dtype=complex), "complex numbers of shape (7, 60)"),
        (scipy.sparse.coo_matrix(([1.0], ([0], [0])), shape=(2**20, 2**20)).tocsc(), "a sparse matrix of 1,048,576 x"),
    ],
)
def test_what_is_no_matrix_in_version_5_is_said_in_words(xlsa17_folder, field, value, words):
    conf = xlsa17_folder()
    path = conf.file(NAMES[field == "att"])
    stored = {name: entry for name, entry in scipy.io.loadmat(path).items() if name[0] != "_"}
    scipy.io.savemat(path, stored | {field: value})
    assert f"field {field}: expected a non-empty matrix of real numbers, found {words}" in refusal(conf)


def test_a_sparse_matrix_is_read_alike_in_both_versions(xlsa17_folder):
    values = np.random.default_rng(0).uniform(-1, 1, (7, 60))
    matrix = scipy.sparse.csc_matrix(np.where(values > 0.4, values, 0))
    old, new = xlsa17_folder(folder="v5"), xlsa17_folder(folder="v73", version_7_3=True)
    stored = {name: entry for name, entry in scipy.io.loadmat(old.file(NAMES[0])).items() if name[0] != "_"}
    scipy.io.savemat(old.file(NAMES[0]), stored | {"features": matrix})
    with h5py.File(new.file(NAMES[0]), "r+") as file:
        del file["features"]
        group = file.create_group("features")
        group.attrs["MATLAB_sparse"] = np.uint64(7)
        group["data"], group["ir"], group["jc"] = matrix.data, matrix.indices, matrix.indptr
    for conf in (old, new):
        np.testing.assert_array_equal(load(conf).features, matrix.toarray().T.astype(np.float32))


def changed_hdf5(conf, change, name=NAMES[0]):
    with h5py.File(conf.file(name), "r+") as file:
        change(file, conf)
    return conf


def link_outside(file, conf):
    del file["features"]
    file["features"] = h5py.ExternalLink("other.mat", "features")


def soft_link_outside(file, conf):
    link_outside(file, conf)
    file["elsewhere"] = file.get("features", getlink=True)
    del file["features"]
    file["features"] = h5py.SoftLink("/elsewhere")


def virtual_dataset(file, conf):
    del file["features"]
    layout = h5py.VirtualLayout((60, 7), dtype="f4")
    layout[:] = h5py.VirtualSource(conf.file("other.mat"), "features", shape=(60, 7))
    file.create_virtual_dataset("features", layout)


def external_storage(file, conf):
    del file["features"]
    file.create_dataset("features", (60, 7), "f4", external=[(str(conf.file("raw.bin")), 0, 60 * 7 * 4)])


def group(file, conf):
    del file["features"]
    file.create_group("features")


def dangling(file, conf):
    del file["features"]
    file["features"] = h5py.SoftLink("/nowhere")


def huge_header(file, conf):
    del file["features"]
    file.create_dataset("features", (2**40, 2**20), "f8", chunks=(64, 64))


def huge_cell(file, conf):
    pool = file.require_group("#refs#")
    pool["huge"] = h5py.Empty("u2")
    del pool["huge"]
    item = pool.create_dataset("huge", (2**40, 2**20), "u2", chunks=(64, 64))
    names = np.array([[item.ref] * 6], dtype=h5py.ref_dtype)
    del file["allclasses_names"]
    file.create_dataset("allclasses_names", data=names, dtype=h5py.ref_dtype).attrs["MATLAB_class"] = np.bytes_("cell")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (link_outside, "a link to another file"),
        (soft_link_outside, "data that are kept in another file"),
        (virtual_dataset, "data that are kept in another file"),
        (external_storage, "data that are kept in another file"),
        (group, "a struct"),
        (dangling, "a link that leads nowhere"),
        (huge_header, "a header of 9,223,372,036,854,775,808 bytes with 0 in the file"),
    ],
)
def test_traps_of_version_7_3_are_refused_and_need_no_memory(xlsa17_folder, change, words):
    conf = xlsa17_folder(version_7_3=True)
    conf.file("other.mat").write_bytes(conf.file(NAMES[0]).read_bytes())
    conf.file("raw.bin").write_bytes(bytes(60 * 7 * 4))
    changed_hdf5(conf, change)
    tracemalloc.start()
    try:
        message = refusal(conf)
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()
    assert f"field features: expected a non-empty matrix of real numbers, found {words}" in message


def test_a_huge_class_name_is_refused(xlsa17_folder):
    conf = changed_hdf5(xlsa17_folder(version_7_3=True), huge_cell, NAMES[1])
    assert "field allclasses_names: expected text, found cells of other things than text" in refusal(conf)


def test_files_of_zeros_and_what_is_no_file(xlsa17_folder):
    conf = xlsa17_folder()
    path = conf.file(NAMES[0])
    content = path.read_bytes()
    path.write_bytes(content[:200] + bytes(2**22))  # a download that was cut off, padded to its length
    assert "cannot be read as one" in refusal(path, read_features)
    path.unlink()
    path.mkdir()
    assert "expected a MATLAB file of version 5 or 7.3, found a folder" in refusal(path, read_features)
    path.rmdir()
    os.mkfifo(path)
    assert "expected a MATLAB file of version 5 or 7.3, found what is no file" in refusal(path, read_features)


def test_a_variable_that_memory_cannot_hold_is_named_with_the_file(xlsa17_folder, monkeypatch):
    def loadmat(*_args, **_options):
        raise MemoryError("Unable to allocate 8.00 TiB")

    conf = xlsa17_folder()
    monkeypatch.setattr(scipy.io, "loadmat", loadmat)
    message = refusal(conf.file(NAMES[1]), lambda path: read_splits(path, "att"))
    assert re.search(r"att_splits\.mat: expected variables that fit into memory, .*8\.00 TiB", message)
