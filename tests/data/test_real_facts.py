"""Facts about the real files, counted elsewhere: sizes, class shares, norms, traps."""

import numpy as np
import pytest

from zsl_runner.data.command.chosen import chosen
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.data.sources.xlsa17.layout import read_splits
from zsl_runner.data.sources.xlsa17.source import load

SIZES = {
    # attributes, trainval, test_seen, test_unseen, train_loc and val_loc, of these in test_seen
    "AWA1": (85, 19832, 4958, 5685, 16864, 7926, 3404, 1554),
    "AWA2": (85, 23527, 5882, 7913, 20218, 9191, 4031, 1851),
    "CUB": (312, 7057, 1764, 2967, 5875, 2946, 1173, 591),
    "SUN": (102, 10320, 2580, 1440, 11600, 1300, 2320, 260),
    "APY": (64, 5932, 1483, 7924, 4906, 1026, 0, 0),
    "FLO": (1024, 5631, 1403, 1155, 5878, 1156, 1173, 230),
}


@pytest.mark.parametrize("name", SIZES)
def test_published_splits(real_data, name):
    splits = read_splits(real_data("xlsa17", name, "att_splits.mat"), "att")
    attributes, trainval, test_seen, test_unseen, train, val, train_leak, val_leak = SIZES[name]
    assert splits.vectors.shape[1] == attributes
    assert (len(splits.trainval), len(splits.test_seen), len(splits.test_unseen)) == (trainval, test_seen, test_unseen)
    assert (len(splits.train), len(splits.val)) == (train, val)
    assert len(np.intersect1d(splits.train, splits.test_seen)) == train_leak
    assert len(np.intersect1d(splits.val, splits.test_seen)) == val_leak
    np.testing.assert_allclose(np.linalg.norm(splits.vectors, axis=1), 1, atol=1e-12)
    everything = np.concatenate([splits.trainval, splits.test_seen, splits.test_unseen])
    np.testing.assert_array_equal(np.sort(everything), np.arange(len(everything)))
    assert (splits.names is None) == (name == "FLO")


@pytest.mark.parametrize(
    ("name", "width", "classes", "dropped", "kind"),
    [
        ("CUB", 1000, (150, 50, 50), "1173 and 591", "ResNet fc1000 outputs, 1000-d, signed"),
        ("AWA1", 256, (40, 10, 13), "3404 and 1554", "descriptors of 2009"),
        ("FLO89", 1280, (71, 18, 14), "0 and 0", "EfficientNet-Lite0 pooled, 1280-d"),
    ],
)
def test_real_folders(real_data, monkeypatch, tmp_path, name, width, classes, dropped, kind):
    monkeypatch.setenv("ZSL_CACHE", str(tmp_path))
    real_data("xlsa17", name)
    records = load(chosen(name.lower()))  # the YAML's expected sizes are checked here
    assert records.features.shape[1] == width
    assert (len(records.seen_classes), len(records.unseen_classes), len(records.validation_classes)) == classes
    assert f"dropped: {dropped}" in " ".join(records.provenance.notes)
    assert records.provenance.feature_kind.startswith(kind)
    assert "res101" not in records.provenance.feature_kind.lower()
    assert records.provenance.split_version == ("PS1" if name != "FLO89" else records.provenance.split_version)


def test_awa1_class_shares_and_names(real_data):
    conf = XLSA17Conf(name="awa1", root=str(real_data("xlsa17", "AWA1")), cache=None)
    records = load(conf)
    assert records.class_names[:4] == ("antelope", "grizzly+bear", "killer+whale", "beaver")
    share = np.bincount(records.labels[records.test_unseen])[records.unseen_classes] / len(records.test_unseen)
    assert (share.max(), share.min()) == (pytest.approx(0.193, abs=5e-4), pytest.approx(0.046, abs=5e-4))
    assert np.abs(share - 0.1).sum() == pytest.approx(0.363, abs=5e-4)
    # 27 training and 13 validation classes, and the rows after the intersection with trainval.
    validation = np.isin(records.labels[records.trainval], records.validation_classes)
    assert ((~validation).sum(), validation.sum()) == (13460, 6372)


def test_cubs_sentences_have_the_same_split_and_are_not_of_unit_norm(real_data):
    root = str(real_data("xlsa17", "CUB"))
    attributes = load(XLSA17Conf(name="cub", root=root, cache=None))
    sentences = load(XLSA17Conf(name="cub", root=root, cache=None, semantics="sent"))
    assert sentences.class_vectors.shape == (200, 1024)
    np.testing.assert_array_equal(attributes.trainval, sentences.trainval)
    np.testing.assert_array_equal(attributes.validation_classes, sentences.validation_classes)
    norms = np.linalg.norm(sentences.class_vectors, axis=1)
    assert 16 < norms.min() < norms.max() < 23
    # The class order is the file's: class 001 is label 151.
    assert attributes.class_names[150].startswith("001.")
