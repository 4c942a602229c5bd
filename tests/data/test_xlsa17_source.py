"""The loader's checks of the files against each other, the validation classes and the provenance."""

import dataclasses
import hashlib

import numpy as np
import pytest
import scipy.io

from zsl_runner.data.sources.xlsa17.source import load
from zsl_runner.errors import DataError


def columns(conf):
    """Return the row numbers in the splits file, as stored."""
    stored = scipy.io.loadmat(conf.file("att_splits.mat"))
    return {name: value for name, value in stored.items() if name.endswith("_loc")}


def failure(conf):
    with pytest.raises(DataError) as caught:
        load(conf)
    return str(caught.value)


def test_a_sound_folder_loads(xlsa17_folder):
    conf = xlsa17_folder()
    records, stored = load(conf), columns(conf)
    assert records.features.shape == (60, 7)
    assert records.seen_classes.tolist() == [0, 2, 3, 5]
    assert records.unseen_classes.tolist() == [1, 4]
    assert records.image_shape is None
    for name in ("trainval", "test_seen", "test_unseen"):
        np.testing.assert_array_equal(getattr(records, name) + 1, np.sort(stored[f"{name}_loc"].ravel().astype(int)))


def test_validation_rows_outside_trainval_are_dropped_and_counted(xlsa17_folder):
    """In published files train_loc and val_loc hold test_seen rows; here 2 of class 2 and 6 of the other seen ones."""
    records = load(xlsa17_folder())
    assert records.validation_classes.tolist() == [2]
    assert "rows of train_loc and val_loc outside trainval_loc dropped: 6 and 2" in records.provenance.notes


def test_validation_classes_seen_only_outside_trainval_do_not_count(xlsa17_folder):
    """Rows that the intersection drops must not decide which classes are for validation."""
    conf = xlsa17_folder()
    stored, labels = columns(conf), load(conf).labels
    leaking = np.concatenate([stored["val_loc"].ravel(), stored["test_seen_loc"].ravel()]).astype(np.uint16)
    changed = xlsa17_folder(val_loc=leaking.reshape(-1, 1))
    assert {0, 2, 3, 5} <= set(labels[leaking.astype(int) - 1].tolist())
    assert load(changed).validation_classes.tolist() == [2]


def test_validation_classes_are_drawn_where_the_file_does_not_divide_them(xlsa17_folder):
    stored = columns(xlsa17_folder())
    records = load(xlsa17_folder(val_loc=stored["trainval_loc"]))
    assert len(records.validation_classes) == 1
    assert "do not divide the classes" in records.provenance.notes[0]


class TestValidationFile:
    """xlsa17 ships several divisions of the seen classes beside its splits file, as lists of names."""

    @pytest.fixture
    def named(self, xlsa17_folder):
        def write(*names, **changes):
            conf = xlsa17_folder(conf={"validation_file": "valclasses2.txt"}, **changes)
            conf.file("valclasses2.txt").write_text("".join(f"{name}\n" for name in names))
            return conf

        return write

    def test_its_classes_are_those_of_validation_whatever_the_splits_file_says(self, named):
        conf = named("hare", "zebra")
        records = load(conf)
        assert records.validation_classes.tolist() == [0, 5]
        assert records.provenance.notes == ("2 validation classes named in valclasses2.txt",)
        file = records.provenance.files[-1]
        assert file.path.endswith("valclasses2.txt")
        assert file.sha256 == hashlib.sha256(b"hare\nzebra\n").hexdigest()
        np.testing.assert_array_equal(load(named("owl", val_loc=None)).validation_classes, [3])

    @pytest.mark.parametrize(
        ("names", "changes", "told"),
        [
            (("zebra", "Cow"), {}, "found Cow; the case of letters counts: there is cow"),
            (("zebra", "cow", "zebra"), {}, "expected each class once, found zebra more often"),
            (("zebra", "ant"), {}, "expected seen classes, found ant without rows to train on"),
            (("zebra", "cow", "owl", "hare"), {}, "expected some of the 4 seen classes, found all"),
            ((), {}, "one in each line, found none"),
            (("zebra",), {"allclasses_names": None}, "att_splits.mat has no allclasses_names"),
        ],
    )
    def test_names_that_do_not_fit_are_refused(self, named, names, changes, told):
        message = failure(named(*names, **changes))
        assert "valclasses2.txt: " in message
        assert told in message

    def test_it_must_be_there_and_no_number_of_classes_beside_it(self, xlsa17_folder):
        conf = xlsa17_folder(conf={"validation_file": "valclasses2.txt"})
        assert "valclasses2.txt" in [file.path.rpartition("/")[2] for file in conf.required_files()]
        assert list(conf.problems()) == []
        (problem,) = dataclasses.replace(conf, validation_classes=2).problems()
        assert (problem.key, "set one of the two to null" in problem.message) == ("validation_classes", True)
        assert [option.key for option in conf.idle_options()].count("validation_seed") == 1


def test_validation_classes_can_be_drawn_with_a_recorded_seed(xlsa17_folder):
    options = {"validation_classes": 2, "validation_seed": 3}
    first, second = (load(xlsa17_folder(conf=options)) for _ in range(2))
    assert first.validation_classes.tolist() == second.validation_classes.tolist()
    assert len(set(first.validation_classes.tolist()) & {0, 2, 3, 5}) == 2
    assert first.provenance.notes[0] == "2 validation classes drawn with seed 3: dataset.validation_classes"
    others = {tuple(load(xlsa17_folder(conf=options | {"validation_seed": s})).validation_classes) for s in range(8)}
    assert len(others) > 1
    assert "expected fewer than the 4 seen classes, found 4" in failure(xlsa17_folder(conf={"validation_classes": 4}))


def test_a_single_seen_class_is_refused_by_name(xlsa17_folder):
    """No number of validation classes would help, so none is proposed."""
    labels, rows = np.repeat([1, 2], 30)[:, None], np.arange(1, 61)[:, None]
    splits = {"trainval_loc": rows[:20], "test_seen_loc": rows[20:30], "test_unseen_loc": rows[30:]}
    for count in (None, 1):
        message = failure(
            xlsa17_folder(labels=labels, att=np.eye(5)[:, :2], **splits, conf={"validation_classes": count})
        )
        assert "att_splits.mat: trainval_loc: expected rows of two classes or more" in message
        assert "found rows of class 1 alone" in message
        assert "dataset.validation_classes" not in message


def test_problems_of_the_content_are_reported_together(xlsa17_folder):
    stored = columns(xlsa17_folder())
    trainval = stored["trainval_loc"].copy()
    trainval[0] = stored["test_unseen_loc"][0]  # one row of an unseen class, twice, and one row in no split
    features = np.ones((7, 60))
    features[0, 5] = np.nan
    message = failure(xlsa17_folder(trainval_loc=trainval, features=features, conf={"expected_classes": [4, 2]}))
    for expected in (
        "cover all 60 rows of res101.mat, found 1 rows in none of them",
        "att_splits.mat: trainval_loc, test_unseen_loc: seen and unseen must be disjoint, both hold",
        "trainval_loc, test_seen_loc, test_unseen_loc: expected disjoint index sets without duplicates, 1 rows occur",
        "res101.mat: features: expected finite values, found NaN or infinity in 1 of 60 rows",
        "expected_classes: expected [4, 2], found [5, 2]; dataset.expected_classes=null accepts it",
        "All files of a data set must belong together",
    ):
        assert expected in message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda s: {"test_seen_loc": s["test_seen_loc"] + np.uint16(60)}, "test_seen_loc: expected 1..60"),
        (lambda s: {"val_loc": s["val_loc"] + np.uint16(1000)}, "val_loc: expected 1..60"),
        (
            lambda s: {"trainval_loc": np.append(s["trainval_loc"], 0).reshape(-1, 1)},
            "the layout counts from 1, not from 0",
        ),
        (lambda s: {"labels": np.zeros((60, 1), np.uint8)}, "labels: expected 1..6 (one column of class vectors for"),
        (lambda s: {"labels": np.full((60, 1), 9, np.uint8)}, "res101.mat: labels: expected 1..6"),
        (lambda s: {"att": np.eye(7)[:, :5]}, "labels: expected 1..5"),
        (
            lambda s: {"allclasses_names": ("a", "b")},
            "att_splits.mat: allclasses_names: expected 6 (one per class vector), found 2",
        ),
        (lambda s: {"att": np.eye(7)}, "test_unseen_loc: expected rows of every class, found none of 7"),
        (lambda s: {"att": 2 * np.eye(6)}, "att: expected unit L2 norm per class, found L2 norms 2 to 2"),
        (lambda s: {"att": np.full((5, 6), np.nan)}, "att_splits.mat: att: expected finite values"),
    ],
)
def test_mismatched_files(xlsa17_folder, change, expected):
    conf = xlsa17_folder()
    message = failure(xlsa17_folder(**change(columns(conf))))
    assert expected in message
    assert conf.root in message


def test_other_norms_need_an_explicit_option(xlsa17_folder):
    records = load(xlsa17_folder(att=2 * np.eye(6), conf={"require_unit_norm": False}))
    assert records.provenance.semantics == "att of att_splits.mat: 6-d, L2 norms 2 to 2"


def test_original_att_is_another_field_and_never_a_substitute(xlsa17_folder):
    raw = load(xlsa17_folder(conf={"semantics": "original_att"}))
    unit = load(xlsa17_folder())
    np.testing.assert_allclose(raw.class_vectors, 100 * unit.class_vectors, rtol=1e-6)
    assert raw.provenance.semantics.startswith("original_att of att_splits.mat: 5-d, L2 norms 100 to 100")


def write_sentences(conf, **changes):
    stored = scipy.io.loadmat(conf.file("att_splits.mat"))
    kept = {name: value for name, value in stored.items() if not name.startswith("_")} | changes
    scipy.io.savemat(conf.file("sent_splits.mat"), kept)


def test_sentence_embeddings_come_from_their_own_file(xlsa17_folder):
    conf = xlsa17_folder(conf={"semantics": "sent"})
    vectors = np.random.default_rng(1).normal(size=(9, 6))
    write_sentences(conf, att=vectors)
    records = load(conf)
    np.testing.assert_allclose(records.class_vectors, vectors.T, rtol=1e-6)
    assert [file.path.rsplit("/", 1)[1] for file in records.provenance.files] == [
        "res101.mat",
        "att_splits.mat",
        "sent_splits.mat",
    ]
    assert records.provenance.semantics.startswith("sent of sent_splits.mat: 9-d")


def test_sentence_embeddings_of_another_split_or_order_are_refused(xlsa17_folder):
    conf = xlsa17_folder(conf={"semantics": "sent"})
    stored = columns(conf)
    write_sentences(conf, test_seen_loc=stored["trainval_loc"], trainval_loc=stored["test_seen_loc"])
    assert "sent_splits.mat: trainval_loc: expected the rows of att_splits.mat, found others" in failure(conf)
    names = np.empty((6, 1), dtype=object)
    names[:, 0] = sorted(("zebra", "ant", "cow", "owl", "bat", "hare"))
    write_sentences(conf, allclasses_names=names)
    assert "allclasses_names: expected the order of att_splits.mat, found another" in failure(conf)
    write_sentences(conf, att=np.ones((4, 3)))
    assert "sent_splits.mat: att: expected 6 columns as in att_splits.mat, found 3" in failure(conf)


def test_files_are_recorded_with_their_checksums_and_never_guessed(xlsa17_folder):
    conf = xlsa17_folder()
    records = load(conf)
    checksums = [hashlib.sha256(conf.file(name).read_bytes()).hexdigest() for name in ("res101.mat", "att_splits.mat")]
    assert [file.sha256 for file in records.provenance.files] == checksums
    assert records.provenance.feature_kind == f"unknown (7-d, file sha256 {checksums[0][:12]})"
    assert records.provenance.split_version == f"unknown (file sha256 {checksums[1][:12]})"
    named = load(xlsa17_folder(conf={"feature_kind": "ResNet-101 pooled, 2048-d", "split_version": "PS2"})).provenance
    assert (named.feature_kind, named.split_version) == ("ResNet-101 pooled, 2048-d", "PS2")


def test_configured_checksums_and_sizes_are_enforced(xlsa17_folder):
    conf = xlsa17_folder(conf={"sha256_features": "0" * 64, "expected_rows": [32, 8, 21]})
    message = failure(conf)
    assert f"res101.mat: sha256_features: expected {'0' * 64}, found" in message
    assert "expected_rows: expected [32, 8, 21], found [32, 8, 20]" in message
    right = hashlib.sha256(conf.file("res101.mat").read_bytes()).hexdigest().upper()
    # The same file: a second one would hold the second in which it was written.
    assert len(load(dataclasses.replace(conf, sha256_features=right, expected_rows=[32, 8, 20])).labels) == 60


def test_required_files_name_what_is_read(xlsa17_folder):
    conf = xlsa17_folder(conf={"semantics": "sent", "sha256_splits": "ab"})
    files = list(conf.required_files())
    assert [file.path.rsplit("/", 1)[1] for file in files] == ["res101.mat", "att_splits.mat", "sent_splits.mat"]
    assert files[1].sha256 == "ab"
    assert "zsl-data import" in files[0].remedy
    assert "docs/guides/own_data.md" in files[0].remedy
    assert "dataset.root" in files[0].remedy


def test_options_are_checked_before_files_are_read(xlsa17_folder, tmp_path):
    def problems(**options):
        return {problem.key: problem.message for problem in xlsa17_folder(conf=options).problems()}

    assert problems() == {}
    assert "expected 2 numbers [seen, unseen], found [1]" in problems(expected_classes=[1])["expected_classes"]
    assert "expected 3 numbers" in problems(expected_rows=[1, 2, 3, 4])["expected_rows"]
    assert "no effect with semantics=att" in problems(sha256_sentences="ab")["sha256_sentences"]
    assert "never written to" in problems(cache=str(tmp_path / "source" / "cache"))["cache"]
    assert problems(cache=str(tmp_path / "cache")) == {}
    assert "no effect with feature_scaling=minmax" in problems(radius=2.0, feature_scaling="minmax")["radius"]
    assert problems(radius=2.0, feature_scaling="l2") == {}
