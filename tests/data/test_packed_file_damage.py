"""Damaged idx and npz files, and those whose headers promise more than they hold: one error, and no memory for it."""

import gzip
import os
import tracemalloc
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.damage import damaged, times
from tests.dsprites_file import small_dsprites
from tests.mnist_files import idx
from zsl_runner.data.sources.dsprites import source as dsprites
from zsl_runner.data.sources.mnist.images import read_idx
from zsl_runner.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, size=(6, 28, 28)).astype(np.uint8)


@contextmanager
def little_memory():
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def refusal(read, *arguments):
    with pytest.raises(DataError) as caught:
        read(*arguments)
    assert str(arguments[0]) in str(caught.value)
    return str(caught.value)


def fuzzed_idx(path, pack, examples):
    content = pack(idx(IMAGES))

    @times(examples)
    @given(st.data())
    def check(data):
        path.write_bytes(damaged(content, data))
        try:
            found = read_idx(path, 3)
        except DataError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            assert found.size == IMAGES.size

    check()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_damaged_idx_file_is_refused_or_whole(tmp_path, pack):
    fuzzed_idx(tmp_path / "images", pack, 100)


@pytest.mark.slow
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_much_damage_to_an_idx_file_is_refused_or_leaves_it_whole(tmp_path, pack):
    fuzzed_idx(tmp_path / "images", pack, 5000)


def header(*sizes):
    return bytes((0, 0, 8, len(sizes))) + b"".join(size.to_bytes(4, "big") for size in sizes)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("sizes", [(2**31, 2**31, 4), (2**32 - 1,) * 3, (2**32 - 1, 1, 1), (2**22, 2**21, 2**21)])
def test_sizes_whose_product_overflows_are_compared_with_the_length(tmp_path, pack, sizes):
    """The products are 0, a small or a negative number in 64 bits."""
    path = tmp_path / "images"
    path.write_bytes(pack(header(*sizes) + bytes(100)))
    with little_memory():
        message = refusal(read_idx, path, 3)
    product = sizes[0] * sizes[1] * sizes[2]
    assert f"data: expected {product:,} bytes ({' x '.join(map(str, sizes))}), found" in message


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "images.gz"
    with gzip.open(path, "wb") as stream:
        stream.write(header(5, 28, 28))
        for _ in range(64):
            stream.write(bytes(2**20))
    with little_memory():
        assert "expected 3,920 bytes (5 x 28 x 28), found 1,052,496 or more" in refusal(read_idx, path, 3)


def test_damage_at_the_end_of_a_gzipped_file_is_found(tmp_path):
    path, content = tmp_path / "images.gz", gzip.compress(idx(IMAGES))
    for changed in (content + b"more", content[:-8] + bytes(8), content[:-4] + bytes(4)):
        path.write_bytes(changed)
        assert "it is truncated, damaged or of another kind" in refusal(read_idx, path, 3)
    path.write_bytes(content + bytes(16))  # padding, which gzip allows
    np.testing.assert_array_equal(read_idx(path, 3), IMAGES)


def test_what_is_no_file_is_not_read(tmp_path):
    assert "found a folder" in refusal(read_idx, tmp_path, 3)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "found what is no file" in refusal(read_idx, pipe, 3)
    assert "found what is no file" in refusal(dsprites.read_factors, pipe)


def read_dsprites(path):
    factors = dsprites.read_factors(path)
    return factors, dsprites.read_images(path, np.arange(len(factors)), len(factors))


def fuzzed_dsprites(folder, examples):
    path = small_dsprites(folder)
    content, (factors, images) = path.read_bytes(), read_dsprites(path)

    @times(examples)
    @given(st.data())
    def check(data):
        path.write_bytes(damaged(content, data))
        try:
            found = read_dsprites(path)
        except DataError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:  # the archive's checksums vouch for the content
            np.testing.assert_array_equal(found[0], factors)
            np.testing.assert_array_equal(found[1], images)

    check()


@pytest.mark.filterwarnings("ignore")
def test_a_damaged_archive_is_refused_or_equal(tmp_path):
    fuzzed_dsprites(tmp_path, 60)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_much_damage_to_an_archive_is_refused_or_leaves_it_equal(tmp_path):
    fuzzed_dsprites(tmp_path, 1500)


def npy(text):
    """Return the content of an npy file with a header of this text."""
    body = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body


@pytest.mark.parametrize(
    ("descr", "shape"),
    [
        ("<i8", f"({2**45}, 6)"),
        ("<i8", f"({2**62}, 6)"),
        ("<i8", "(-1, 6)"),
        ("|O", "(2, 6)"),
        ("<f8", "(2, 6)"),
        ("<i8", "(2, 6, 1)"),
        ("<U90000000", "(2, 6)"),
    ],
)
def test_headers_that_promise_too_much_or_other_things(tmp_path, descr, shape):
    path = tmp_path / "archive.npz"
    with zipfile.ZipFile(path, "w") as archive:
        text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
        archive.writestr("latents_classes.npy", npy(text) + bytes(96))
    with little_memory():
        message = refusal(dsprites.read_factors, path)
    assert "latents_classes: " in message


def test_an_array_longer_than_its_header_is_refused(tmp_path):
    path = small_dsprites(tmp_path)
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content + bytes(name.startswith("latents_classes")))
    assert "latents_classes: more bytes than its header declares" in refusal(dsprites.read_factors, path)
