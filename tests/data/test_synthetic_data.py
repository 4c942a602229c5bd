"""Invented features: sparse, non-negative, deterministic, with signal, and marked as synthetic."""

import numpy as np
import pytest
import scipy.io

from zsl_runner.data.sources.synthetic.conf import SyntheticConf
from zsl_runner.data.sources.synthetic.source import invented_features, load, read_labels
from zsl_runner.errors import DataError


@pytest.fixture
def synthetic_folder(xlsa17_folder):
    """Return a function that makes a folder with a splits file and, as text, the labels; no features."""

    def write(**options):
        folder = xlsa17_folder()
        path = folder.file("res101.mat")
        labels = scipy.io.loadmat(path)["labels"].ravel()
        path.unlink()
        folder.file("image_labels.txt").write_text("".join(f"a b/{i}.jpg {k}\n" for i, k in enumerate(labels)))
        return SyntheticConf(name="synthetic", root=folder.root, **options), labels.astype(int) - 1

    return write


def test_records_say_synthetic(synthetic_folder):
    conf, labels = synthetic_folder(width=33)
    records = load(conf)
    assert records.problems() == []
    assert records.features.shape == (60, 33)
    np.testing.assert_array_equal(records.labels, labels)
    assert records.provenance.kind == "synthetic"
    assert records.provenance.feature_kind.startswith("synthetic, 33-d")
    assert "accuracies say nothing" in records.provenance.notes[0]
    assert records.validation_classes.tolist() == [2]


@pytest.mark.parametrize(("density", "signal"), [(0.4, 1.0), (0.1, 0.0), (0.8, 2.0)])
def test_features_are_sparse_and_non_negative(density, signal):
    vectors = np.random.default_rng(0).uniform(size=(50, 20))
    labels = np.arange(5000) % 50
    conf = SyntheticConf(name="s", root="", width=400, density=density, signal=signal)
    features = invented_features(vectors, labels, conf)
    assert features.dtype == np.float32
    assert features.min() == 0
    assert (features > 0).mean() == pytest.approx(density, abs=0.02)


def test_rows_of_a_class_resemble_each_other_and_so_do_similar_classes():
    vectors = np.random.default_rng(0).uniform(size=(20, 10))
    vectors[1] = vectors[0] + 0.01
    labels = np.arange(2000) % 20
    features = invented_features(vectors, labels, SyntheticConf(name="s", root="", width=300))
    means = np.stack([features[labels == k].mean(0) for k in range(20)])
    distances = np.linalg.norm(means[:, None] - means, axis=-1)
    assert distances[0, 1] < 0.4 * distances[0, 2:].min()
    nearest = np.linalg.norm(features[:500, None] - means, axis=-1).argmin(1)
    others = labels[:500] > 1
    assert (nearest == labels[:500])[others].mean() > 0.95
    without = invented_features(vectors, labels, SyntheticConf(name="s", root="", width=300, signal=0.0))
    means = np.stack([without[1000:][labels[1000:] == k].mean(0) for k in range(20)])
    assert (np.linalg.norm(without[:500, None] - means, axis=-1).argmin(1) == labels[:500]).mean() < 0.15


def test_features_depend_on_their_seed_and_not_on_the_number_of_rows():
    vectors, labels = np.random.default_rng(0).uniform(size=(8, 5)), np.arange(5000) % 8
    conf = SyntheticConf(name="s", root="", width=16)
    whole = invented_features(vectors, labels, conf)
    assert whole.tobytes() == invented_features(vectors, labels, conf).tobytes()
    np.testing.assert_array_equal(invented_features(vectors, labels[:3000], conf), whole[:3000])
    other = SyntheticConf(name="s", root="", width=16, data_seed=1)
    assert invented_features(vectors, labels, other).tobytes() != whole.tobytes()


def test_labels_from_a_matlab_file(synthetic_folder):
    conf, labels = synthetic_folder(width=4)
    scipy.io.savemat(f"{conf.root}/other.mat", {"labels": (labels + 1).astype(np.uint8).reshape(-1, 1)})
    conf.labels_file = "other.mat"
    np.testing.assert_array_equal(load(conf).labels, labels)
    scipy.io.savemat(f"{conf.root}/other.mat", {"features": np.ones((2, 2))})
    with pytest.raises(DataError, match="field labels: expected in a file of labels, found none"):
        load(conf)


def test_the_features_file_supplies_labels_where_there_is_no_list(xlsa17_folder):
    folder = xlsa17_folder()
    conf = SyntheticConf(name="s", root=folder.root, width=4)
    assert conf.labels_path().name == "res101.mat"
    assert len(load(conf).labels) == 60


def test_without_labels_there_is_one_clear_error(synthetic_folder):
    conf, _ = synthetic_folder()
    conf.labels_path().unlink()
    with pytest.raises(DataError, match=r"image_labels.txt: expected the label of each row, found no such file; write"):
        load(conf)
    assert "dataset.labels_file" in list(conf.required_files())[1].remedy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "found an empty file"),
        ("a.jpg 1\nb.jpg\n", "line 2: expected `path label` with a whole number, found 'b.jpg'"),
        ("a.jpg 1\n\nb.jpg 2\n", "line 2: expected `path label`"),
        ("a.jpg -1\n", "line 1"),
    ],
)
def test_broken_lists_of_labels(tmp_path, text, expected):
    path = tmp_path / "image_labels.txt"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_labels(path)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)


def test_labels_that_do_not_fit_the_split(synthetic_folder):
    conf, _ = synthetic_folder(width=4)
    path = conf.labels_path()
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:40]))
    with pytest.raises(DataError, match=r"trainval_loc: expected 1..40 \(rows of image_labels.txt\)"):
        load(conf)


def test_awa2s_shape(real_data):
    root = real_data("xlsa17", "AWA2")
    conf = SyntheticConf(name="synthetic", root=str(root))
    records = load(conf)
    assert records.features.shape == (37322, 2048)
    assert (len(records.trainval), len(records.test_seen), len(records.test_unseen)) == (23527, 5882, 7913)
    assert records.provenance.split_version == "PS1"


def test_a_data_set_without_labels_says_what_to_do(real_data):
    conf = SyntheticConf(name="synthetic", root=str(real_data("xlsa17", "FLO")))
    with pytest.raises(DataError, match=r"dataset\.labels_file"):
        load(conf)
