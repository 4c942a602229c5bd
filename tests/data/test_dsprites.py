import numpy as np
import pytest
import torch

from tests.dsprites_file import SIZES, small_dsprites
from zsl_runner.config.vocabulary import Provision
from zsl_runner.data.command.describe import describe
from zsl_runner.data.images.folds import ImageStages
from zsl_runner.data.sources.dsprites import source
from zsl_runner.data.sources.dsprites.conf import DSpritesConf
from zsl_runner.data.sources.dsprites.source import load
from zsl_runner.errors import DataError

COUNT = int(np.prod(SIZES))


def conf(root, **options):
    return DSpritesConf(**{"name": "dsprites", "root": str(root), "validation_rows": 20, "test_rows": 100, **options})


def test_images_factors_and_shapes_belong_together(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "CHUNK", 100)
    small_dsprites(tmp_path)
    records = load(conf(tmp_path))
    assert records.images.shape == (COUNT, 1, 64, 64)
    assert set(np.unique(records.images).tolist()) == {0, 255}
    assert [len(rows) for rows in records.splits().values()] == [COUNT - 120, 20, 100]
    assert records.factor_names[4:] == ("position x", "position y")
    for row in (0, 99, 100, 101, COUNT - 1):
        _, shape, _, _, x, y = records.factors[row]
        assert records.labels[row] == shape
        top, left = np.argwhere(records.images[row, 0])[0]
        assert (top, left) == (6 * y, 6 * x)
    assert Provision.FACTORS in DSpritesConf.provides  # by which the check before a run knows of them
    assert "factors      color (1), shape (3), scale (2)" in "\n".join(describe(records))


def test_a_part_is_drawn_at_random_and_keeps_rows_together(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "CHUNK", 64)
    small_dsprites(tmp_path)
    whole, part = load(conf(tmp_path)), load(conf(tmp_path, limit=200))
    assert len(part.images) == 200
    rows = [int(np.flatnonzero((whole.factors == factors).all(1))[0]) for factors in part.factors]
    assert np.array_equal(whole.images[rows], part.images)
    assert np.array_equal(part.factors, load(conf(tmp_path, limit=200)).factors)
    assert not np.array_equal(part.factors, load(conf(tmp_path, limit=200, split_seed=1)).factors)
    assert (
        "9 training images with a label, label seed 2"
        in load(conf(tmp_path, labelled=9, label_seed=2)).provenance.notes
    )
    assert part.provenance.split_version.endswith(", seed 0; 200 of 768 images, drawn at random)")
    assert "drawn at random" not in whole.provenance.split_version


def test_folds_hand_out_the_factors_of_the_measured_images(tmp_path):
    small_dsprites(tmp_path)
    records = load(conf(tmp_path, side=32))
    evaluation = ImageStages(records, torch.device("cpu")).tested("fit").evaluation
    assert evaluation.rows.factors.shape == (100, 6)
    assert evaluation.rows.images.take(torch.arange(2)).shape == (2, 1, 32, 32)
    assert torch.equal(evaluation.rows.factors[:, 1], evaluation.rows.labels)


def test_the_missing_file_is_named_before_a_run(tmp_path):
    (required,) = conf(tmp_path).required_files()
    assert required.path.endswith("dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz")
    assert "dataset.root" in required.remedy
    with pytest.raises(DataError, match=r"found none; check dataset.root or ZSL_DATA"):
        load(conf(tmp_path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"imgs": None}, r"expected an archive of the arrays imgs and latents_classes, .*no item named 'imgs\.npy'"),
        ({"latents_classes": None}, r"expected an archive .*no item named 'latents_classes\.npy'"),
        ({"imgs": np.zeros((5, 64, 64), np.uint8)}, r"one image for each row .* found uint8 of shape \(5, 64, 64\)"),
        ({"imgs": np.zeros((COUNT, 64, 64), np.float32)}, "found float32"),
        ({"imgs": np.full((COUNT, 64, 64), 255, np.uint8)}, "pixels of 0 and 1, found 255"),
        ({"latents_classes": np.zeros((COUNT, 5), np.int64)}, r"expected whole numbers of shape \(N, 6\)"),
        ({"latents_classes": np.full((COUNT, 6), 3)}, "expected shapes 0..2"),
    ],
)
def test_another_layout_is_refused(tmp_path, changes, message):
    small_dsprites(tmp_path, **changes)
    with pytest.raises(DataError, match=message):
        load(conf(tmp_path))


def test_a_damaged_file_is_refused(tmp_path):
    path = small_dsprites(tmp_path)
    content = bytearray(path.read_bytes())
    place = content.index(b"imgs.npy") + 60
    content[place : place + 40] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged .*: get it again from https://"):
        load(conf(tmp_path))


def test_too_few_images_are_refused(tmp_path):
    small_dsprites(tmp_path)
    with pytest.raises(DataError, match="leave none to train on"):
        load(conf(tmp_path, limit=110))


def test_the_first_measured_images_are_of_all_shapes(tmp_path):
    """In the file images stand in the order of their factors; who measures on a part of the images takes the first."""
    small_dsprites(tmp_path)
    records = load(conf(tmp_path, validation_rows=60))
    for rows in (records.validation, records.test):
        assert set(records.labels[rows[:20]].tolist()) == {0, 1, 2}
    assert np.array_equal(records.train, np.sort(records.train))
