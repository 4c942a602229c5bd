"""Reading MATLAB files: both versions agree, integer types do not wrap, optional fields may lack."""

import h5py
import numpy as np
import pytest
import scipy.io

from zsl_runner.data.sources.xlsa17.layout import indices, read_features, read_splits
from zsl_runner.data.sources.xlsa17.matlab import read_variables, variable_names
from zsl_runner.data.sources.xlsa17.source import load
from zsl_runner.errors import DataError


def test_both_versions_give_the_same_records(xlsa17_folder):
    old, new = load(xlsa17_folder(folder="v5")), load(xlsa17_folder(folder="v73", version_7_3=True))
    assert h5py.is_hdf5(f"{new.provenance.files[0].path}")
    assert not h5py.is_hdf5(f"{old.provenance.files[0].path}")
    for name in ("features", "labels", "class_vectors", "trainval", "test_seen", "test_unseen", "validation_classes"):
        np.testing.assert_array_equal(getattr(old, name), getattr(new, name), err_msg=name)
    assert old.class_names == new.class_names == ("zebra", "ant", "cow", "owl", "bat", "hare")


def test_text_with_accents_spaces_and_empty_cells_survives_both_versions(xlsa17_folder):
    names = ("épée bird", "", "a b", "x", "+", "ω")
    for version in (False, True):
        assert load(xlsa17_folder(version_7_3=version, allclasses_names=names)).class_names == names


def test_letters_of_two_units_and_blanks_at_the_end_are_the_same_in_both_versions(xlsa17_folder):
    given = ("\U00020bb7", "a \U0001f408", "blank ", "x", "+", "y")
    for version in (False, True):
        records = load(xlsa17_folder(version_7_3=version, allclasses_names=given))
        assert records.class_names == ("\U00020bb7", "a \U0001f408", "blank", "x", "+", "y")
        assert " ".join(records.class_names).encode()  # half a letter could not even be printed


def test_version_7_3_is_recognised_by_its_header(xlsa17_folder):
    conf = xlsa17_folder(version_7_3=True)
    with pytest.raises(NotImplementedError, match=r"HDF reader for matlab v7\.3"):
        scipy.io.loadmat(conf.file("res101.mat"))


def test_names_as_a_character_matrix(tmp_path):
    scipy.io.savemat(tmp_path / "names.mat", {"allclasses_names": np.array(["ant ", "bear"])})
    assert read_variables(tmp_path / "names.mat", ["allclasses_names"]) == {"allclasses_names": ("ant", "bear")}
    with h5py.File(tmp_path / "names73.mat", "w", userblock_size=512) as file:
        item = file.create_dataset("allclasses_names", data=np.array([[ord(c) for c in n] for n in ("ant ", "bear")]).T)
        item.attrs["MATLAB_class"] = np.bytes_(b"char")
    assert read_variables(tmp_path / "names73.mat", ["allclasses_names"]) == {"allclasses_names": ("ant", "bear")}


def test_labels_of_uint8_do_not_wrap(xlsa17_folder):
    records = load(xlsa17_folder())
    assert records.labels.dtype == np.int64
    assert (records.labels.min(), records.labels.max()) == (0, 5)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.float64])
def test_indices_are_cast_before_one_is_subtracted(tmp_path, kind):
    found = indices(tmp_path, "labels", np.array([[1], [2], [255]], dtype=kind))
    np.testing.assert_array_equal(found, [0, 1, 254])
    assert found.dtype == np.int64
    # A zero is out of range and must stay visible as -1; unsigned arithmetic would make it a large row number.
    assert indices(tmp_path, "labels", np.array([[0], [1]], dtype=kind))[0] == -1


def test_row_vectors_are_accepted_as_columns(xlsa17_folder):
    conf = xlsa17_folder()
    expected = load(conf).labels
    labels = (expected + 1).reshape(1, -1).astype(np.uint8)
    np.testing.assert_array_equal(load(xlsa17_folder(labels=labels)).labels, expected)


def test_features_of_any_real_type_become_float32_rows(xlsa17_folder):
    whole = np.arange(7 * 60).reshape(7, 60)
    for kind in (np.float64, np.uint16, np.int32):
        records = load(xlsa17_folder(features=whole.astype(kind)))
        np.testing.assert_array_equal(records.features, whole.T)
        assert records.features.dtype == np.float32
        assert records.features.flags.c_contiguous


def test_other_fields_are_ignored(xlsa17_folder):
    conf = xlsa17_folder()
    variables = scipy.io.loadmat(conf.file("att_splits.mat"))
    extra = {"wv": np.ones((3, 3)), "tunseen_test_loc": np.array([[99999]])}
    scipy.io.savemat(conf.file("att_splits.mat"), {k: v for k, v in variables.items() if k[0] != "_"} | extra)
    assert "wv" in variable_names(conf.file("att_splits.mat"))
    assert len(load(conf).labels) == 60


@pytest.mark.parametrize("version_7_3", [False, True])
def test_optional_fields_may_lack(xlsa17_folder, version_7_3):
    conf = xlsa17_folder(
        version_7_3=version_7_3,
        original_att=None,
        allclasses_names=None,
        train_loc=None,
        val_loc=None,
        image_files=None,
    )
    records = load(conf)
    assert records.class_names == tuple(f"class_00{k}" for k in range(1, 7))
    notes = " ".join(records.provenance.notes)
    assert "1 validation classes drawn with seed 0: att_splits.mat has no train_loc and val_loc" in notes
    assert "no class names" in notes


def test_files_are_read_in_their_own_class_order(xlsa17_folder):
    """Neither names nor attributes are sorted: column k of `att` describes label k + 1."""
    conf = xlsa17_folder()
    stored = scipy.io.loadmat(conf.file("att_splits.mat"))["att"]
    records = load(conf)
    np.testing.assert_allclose(records.class_vectors, stored.T, rtol=1e-6)
    assert records.unseen_classes.tolist() == [1, 4]
    assert records.class_names[1] == "ant"


def messages(path, read):
    with pytest.raises(DataError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize("version_7_3", [False, True])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_truncated_files_give_one_clear_error(xlsa17_folder, version_7_3, share):
    path = xlsa17_folder(version_7_3=version_7_3).file("res101.mat")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    message = messages(path, read_features)
    assert str(path) in message
    assert "copy or download it again" in message or "field" in message


def test_empty_foreign_and_missing_files(tmp_path):
    empty, text = tmp_path / "empty.mat", tmp_path / "page.mat"
    empty.touch()
    text.write_text("<!DOCTYPE html><html>404 not found</html>" * 20)
    assert messages(empty, read_features).endswith("found an empty file; copy or download it again")
    assert "is truncated, damaged or of another kind" in messages(text, read_features)
    assert "found none" in messages(tmp_path / "absent.mat", read_features)


def test_swapped_files_are_recognised(xlsa17_folder):
    conf = xlsa17_folder()
    message = messages(conf.file("att_splits.mat"), read_features)
    assert "field features, labels: expected in a features file" in message
    assert "looks like a splits file: were the two files swapped?" in message
    message = messages(conf.file("res101.mat"), lambda path: read_splits(path, "att"))
    assert "field att, trainval_loc, test_seen_loc, test_unseen_loc: expected in a splits file" in message
    assert "looks like a features file: were the two files swapped?" in message


def test_missing_original_att_is_named_with_the_way_out(xlsa17_folder):
    conf = xlsa17_folder(original_att=None, conf={"semantics": "original_att"})
    assert "dataset.semantics=att reads the normalised attributes" in messages(conf, load)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"features": np.ones((60, 7))},
            "field features: expected D x 60 (a column for each of the 60 labels), found 60",
        ),
        ({"features": np.ones((7, 59))}, "found 7 x 59; features and labels are of different data"),
        ({"features": np.empty((0, 0))}, "field features: expected a non-empty matrix of real numbers, found float64"),
        ({"features": np.ones((7, 60), dtype=complex)}, "field features: expected a non-empty matrix of real numbers"),
        ({"features": ("a", "b")}, "field features: expected a non-empty matrix of real numbers, found text"),
        (
            {"labels": np.ones((30, 2))},
            "field labels: expected a column of whole numbers, found float64 of shape (30, 2)",
        ),
        ({"labels": np.full((60, 1), 1.5)}, "field labels: expected whole numbers, found fractions, NaN or infinity"),
        (
            {"labels": np.full((60, 1), np.nan)},
            "field labels: expected whole numbers, found fractions, NaN or infinity",
        ),
        ({"val_loc": np.empty((0, 1))}, "whole numbers, found an empty one; write the file again, without it"),
        ({"allclasses_names": np.ones((6, 1))}, "field allclasses_names: expected text, found float64"),
    ],
)
def test_fields_of_wrong_type_or_shape(xlsa17_folder, changes, expected):
    assert expected in messages(xlsa17_folder(**changes), load)


def test_features_too_large_for_float32_are_reported_and_do_not_warn(xlsa17_folder, recwarn):
    features = np.ones((7, 60))
    features[2, 3] = 1e300
    assert "features: expected finite values, found NaN or infinity in 1 of 60 rows" in messages(
        xlsa17_folder(features=features), load
    )
    assert not recwarn.list
