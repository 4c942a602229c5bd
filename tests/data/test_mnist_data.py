"""MNIST: idx files are validated byte by byte; the official test file supplies the test rows."""

import gzip

import numpy as np
import pytest

from tests.mnist_files import idx, random_digits
from zsl_runner.data.sources.mnist.conf import MNISTConf, MNISTImagesConf
from zsl_runner.data.sources.mnist.files import NAMES, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from zsl_runner.data.sources.mnist.images import read_idx
from zsl_runner.data.sources.mnist.source import load, load_images
from zsl_runner.errors import DataError
from zsl_runner.files.checksums import sha256_of


@pytest.fixture
def mnist_folder(tmp_path):
    """Return a function that writes the four files, of 200 and 100 rows, some of them replaced."""

    def write(zipped=True, **replaced):
        arrays = random_digits()
        arrays |= {NAMES[int(position[1:])]: value for position, value in replaced.items()}
        for name, array in arrays.items():
            content = array if isinstance(array, bytes) else idx(array)
            path = tmp_path / (f"{name}.gz" if zipped else name)
            path.write_bytes(gzip.compress(content) if zipped else content)
        return MNISTConf(name="mnist", root=str(tmp_path)), arrays

    return write


@pytest.mark.parametrize("zipped", [True, False])
def test_rows_come_from_the_right_files(mnist_folder, zipped):
    conf, arrays = mnist_folder(zipped)
    records = load(conf)
    assert records.problems() == []
    assert records.image_shape == (1, 28, 28)
    seen_in_train = np.isin(arrays[TRAIN_LABELS], records.seen_classes)
    # The training file's rows of unseen digits are left out; every test row is used.
    assert len(records.labels) == seen_in_train.sum() + 100
    np.testing.assert_array_equal(records.labels[records.trainval], arrays[TRAIN_LABELS][seen_in_train])
    expected = arrays[TRAIN_IMAGES][seen_in_train].reshape(-1, 784) / 255
    np.testing.assert_allclose(records.features[records.trainval], expected, rtol=1e-6)
    for index, digits in ((records.test_seen, records.seen_classes), (records.test_unseen, records.unseen_classes)):
        chosen = np.isin(arrays[TEST_LABELS], digits)
        np.testing.assert_array_equal(records.labels[index], arrays[TEST_LABELS][chosen])
        np.testing.assert_allclose(
            records.features[index], arrays[TEST_IMAGES][chosen].reshape(-1, 784) / 255, rtol=1e-6
        )
    assert (records.features.min(), records.features.max()) == (0, 1)


def test_the_same_attributes_and_folds_as_digits(mnist_folder):
    from zsl_runner.data.sources.digits.conf import DigitsConf
    from zsl_runner.data.sources.digits.source import load as load_digits

    conf, _ = mnist_folder()
    conf.fold = 2
    mine, digits = load(conf), load_digits(DigitsConf(name="digits", fold=2))
    np.testing.assert_array_equal(mine.class_vectors, digits.class_vectors)
    np.testing.assert_array_equal(mine.unseen_classes, digits.unseen_classes)
    np.testing.assert_array_equal(mine.validation_classes, digits.validation_classes)


def test_limit_takes_the_first_rows_of_each_digit(mnist_folder):
    conf, arrays = mnist_folder()
    conf.limit = 10
    records = load(conf)
    assert np.bincount(records.labels[records.trainval])[records.seen_classes].tolist() == [10] * 7
    first = np.flatnonzero(arrays[TRAIN_LABELS] == 0)[:10]
    mine = records.trainval[records.labels[records.trainval] == 0]
    np.testing.assert_allclose(records.features[mine], arrays[TRAIN_IMAGES][first].reshape(-1, 784) / 255, rtol=1e-6)
    assert records.provenance.split_version.endswith(", the first 10 rows of each digit")


def test_the_plain_file_is_preferred_and_required_files_name_it(mnist_folder, tmp_path):
    conf, _ = mnist_folder(zipped=True)
    assert [file.path for file in conf.required_files()] == [str(tmp_path / f"{name}.gz") for name in NAMES]
    (tmp_path / TRAIN_LABELS).write_bytes(b"x")
    assert list(conf.required_files())[1].path == str(tmp_path / TRAIN_LABELS)


def test_the_name_says_whose_addresses_a_missing_file_gets(tmp_path):
    for name, address in (("mnist", "/mnist/$name"), ("mine", "/mnist/$name"), ("fashion_mnist", "fashion-mnist.s3")):
        remedies = {file.remedy for file in MNISTImagesConf(name=name, root=str(tmp_path)).required_files()}
        assert [address in remedy for remedy in remedies] == [True]


@pytest.mark.parametrize("known", [NAMES, (TEST_LABELS,)])
def test_digits_are_not_taken_for_clothing(mnist_folder, tmp_path, monkeypatch, known):
    mnist_folder(zipped=False)
    conf = MNISTImagesConf(name="fashion_mnist", root=str(tmp_path), validation_rows=50)
    load_images(conf)
    checksums = {sha256_of(tmp_path / name): name for name in known}
    monkeypatch.setattr("zsl_runner.data.sources.mnist.images.MNIST_FILES", checksums)
    with pytest.raises(DataError, match=f"found MNIST's {', '.join(known)}; files of both .*\n.*fashion-mnist"):
        load_images(conf)
    conf.name = "mnist_images"
    load_images(conf)


def failure(path, dimensions=3):
    with pytest.raises(DataError) as caught:
        read_idx(path, dimensions)
    message = str(caught.value)
    assert str(path) in message
    return message


def test_damaged_idx_files(tmp_path):
    path = tmp_path / "file"
    content = idx(np.zeros((5, 28, 28)))
    assert "expected an idx file, gzipped or plain, found none; check dataset.root or ZSL_DATA" in failure(path)
    path.write_bytes(b"")
    assert "found an empty file" in failure(path)
    path.write_bytes(content[:-1])
    assert "data: expected 3,920 bytes (5 x 28 x 28), found 3,919" in failure(path)
    path.write_bytes(content + b"\0")
    assert "found 3,921" in failure(path)
    path.write_bytes(content[:9])
    assert "header: expected 16 bytes, found 9" in failure(path)
    path.write_bytes(b"\0\0\x0d\x03" + content[4:])
    assert "magic number: expected 00000803 (unsigned bytes, 3 axes), found 00000d03; it is no idx file" in failure(
        path
    )
    path.write_bytes(b"<html>")
    assert "it is no idx file" in failure(path)
    path.write_bytes(content)
    assert "found 00000803; were images and labels swapped?" in failure(path, dimensions=1)
    assert read_idx(path, 3).shape == (5, 28, 28)


@pytest.mark.parametrize("cut", [5, 15, 60, -1, -9])
def test_truncated_and_damaged_gzip(tmp_path, cut):
    path = tmp_path / "file.gz"
    content = gzip.compress(idx(np.random.default_rng(0).integers(0, 256, size=(5, 28, 28))))
    path.write_bytes(content[:cut])
    assert "it is truncated, damaged" in failure(path)
    spoilt = bytearray(content)
    spoilt[len(spoilt) // 2] ^= 0xFF
    path.write_bytes(bytes(spoilt))
    assert "it is truncated, damaged" in failure(path)


@pytest.mark.parametrize(
    ("replaced", "expected"),
    [
        ({"_1": np.zeros(199)}, "expected 200 labels, one for each image of train-images-idx3-ubyte.gz, found 199"),
        (
            {"_2": np.zeros((100, 14, 14))},
            "t10k-images-idx3-ubyte.gz: expected images of 28 x 28 pixels, found 14 x 14",
        ),
        ({"_3": np.arange(100) % 9}, "expected all labels 0..9 and no others, found [0, 1, 2, 3, 4, 5, 6, 7, 8]"),
        ({"_3": np.arange(100) % 11}, "expected all labels 0..9 and no others"),
        ({"_0": np.arange(200) % 10}, "were images and labels swapped?"),
    ],
)
def test_mismatched_files(mnist_folder, replaced, expected):
    conf, _ = mnist_folder(**replaced)
    with pytest.raises(DataError) as caught:
        load(conf)
    assert expected in str(caught.value)


def test_known_facts_of_the_real_files(real_data):
    root = real_data("mnist")
    counts = {
        TRAIN_LABELS: [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        TEST_LABELS: [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    }
    conf = MNISTConf(name="mnist", root=str(root))
    for name, expected in counts.items():
        assert np.bincount(read_idx(conf.files().path(name), 1)).tolist() == expected
    assert read_idx(conf.files().path(TRAIN_IMAGES), 3).mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    records = load(conf)
    assert len(records.trainval) == 60000 - 6131 - 5421 - 6265
    assert len(records.test_unseen) == 1010 + 892 + 1028
    assert len(records.test_seen) == 10000 - len(records.test_unseen)
