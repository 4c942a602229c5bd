"""Digit canvases: exact masks, disjoint digits, the same pixels whenever and wherever they are drawn, a safe cache."""

import dataclasses
import gzip
import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from zsl_runner.data.command.preparation import prepare
from zsl_runner.data.command.verification import verify
from zsl_runner.data.sources.digit_canvas.cache import CanvasFile, cached
from zsl_runner.data.sources.digit_canvas.canvas import dilated, draw_canvas, overlap, resampled
from zsl_runner.data.sources.digit_canvas.conf import DigitCanvasConf
from zsl_runner.data.sources.digit_canvas.pools import DigitPool, digit_pools
from zsl_runner.data.sources.digit_canvas.source import kept_copy, load
from zsl_runner.data.sources.mnist.files import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from zsl_runner.errors import DataError

PLAIN = {"strokes": 0, "fragments": 0, "covers": 0, "noise": 0.0}


def small(**changes):
    return DigitCanvasConf(**{"source": "digits", "train": 6, "validation": 3, "test": 4, "cache": None, **changes})


def test_records_are_sound_and_split_as_configured():
    records = load(small())
    assert records.problems() == []
    assert records.images.shape == (13, 3, 32, 32)
    assert [len(rows) for rows in (records.train, records.validation, records.test)] == [6, 3, 4]
    assert set(np.unique(records.labels)) == {0, 1}
    assert (records.labels.reshape(13, -1).max(1) == 1).all()  # each canvas shows one digit at least


def test_the_same_options_give_the_same_pixels():
    """Golden value: a change of the drawing code must come with a new VERSION in source.py, and a new value here."""
    records = load(small(classes=11, digits=[1, 3]))
    digest = hashlib.sha256(records.images.tobytes() + records.labels.tobytes()).hexdigest()
    assert digest[:16] == "fb1e48d32f8534c1"
    assert not np.array_equal(records.images, load(small(classes=11, digits=[1, 3], data_seed=1)).images)


def test_a_cache_made_before_there_were_further_options_is_still_found(tmp_path):
    """Golden value: the name of the file that version 1 has always given these options."""
    conf = small(cache=str(tmp_path), classes=11)
    assert kept_copy(conf).path.name == "digit_canvas-d32abf096c37e2df.npz"
    for changes in ({"distinct": True}, {"overlap": 0.5}, {"dilation": 1}):
        assert kept_copy(dataclasses.replace(conf, **changes)).path.name != "digit_canvas-d32abf096c37e2df.npz"


def test_fewer_canvases_are_the_first_ones_of_more():
    few, more = load(small()), load(small(train=8, validation=4, test=5))
    for split in ("train", "validation", "test"):
        rows = getattr(few, split)
        np.testing.assert_array_equal(few.images[rows], more.images[getattr(more, split)[: len(rows)]])


def test_the_mask_is_where_the_ink_is():
    """Without clutter, a canvas of one flat colour differs from its ground exactly where the digit's ink is."""
    image = np.zeros((8, 8), np.uint8)
    image[2:6, 3:5] = 255
    pool = DigitPool(image[None], np.array([7]))
    conf = small(**PLAIN, classes=11, colour=False, digit_size=[0.5, 0.5], contrast=0.3)
    for seed in range(5):
        picture, labels = draw_canvas(pool, conf, np.random.default_rng(seed))
        rows, columns = np.nonzero(labels)
        assert set(np.unique(labels)) == {0, 8}
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1, len(rows)) == (16, 8, 128)
        ink = picture[0][labels == 8]
        assert np.ptp(ink) == 0
        assert (picture == picture[0]).all()
        around = picture[0][labels == 0].astype(int)
        assert not np.isin(ink[0], around) or np.ptp(around) > 60


def test_classes_follow_the_digits():
    pools = digit_pools(small())
    one = DigitPool(pools["train"].images[:1], pools["train"].labels[:1])
    conf = small(**PLAIN, classes=11)
    _, labels = draw_canvas(one, conf, np.random.default_rng(0))
    assert set(np.unique(labels)) == {0, 1 + one.labels[0]}
    _, binary = draw_canvas(one, small(**PLAIN, classes=2), np.random.default_rng(0))
    np.testing.assert_array_equal(binary, labels > 0)


@pytest.mark.parametrize("clutter", [{"strokes": 5}, {"fragments": 5}, {"covers": 3}, {"noise": 0.3}])
def test_clutter_changes_the_picture_and_never_the_mask(clutter):
    pool = digit_pools(small())["train"]
    seen = []
    for conf in (small(**{**PLAIN, **clutter}), small(**{**PLAIN, **clutter}, contrast=0.0)):
        _, labels = draw_canvas(pool, conf, np.random.default_rng(3))
        seen.append(labels)
        assert labels.any()
    if "covers" in clutter or "noise" in clutter:  # drawn after the digits: the same digits stand at the same places
        bare, bare_labels = draw_canvas(pool, small(**PLAIN), np.random.default_rng(3))
        cluttered, labels = draw_canvas(pool, small(**{**PLAIN, **clutter}), np.random.default_rng(3))
        np.testing.assert_array_equal(labels, bare_labels)
        assert not np.array_equal(cluttered, bare)


def test_a_cover_hides_the_digit_but_not_its_mask():
    pool = digit_pools(small())["train"]
    conf = small(**{**PLAIN, "covers": 1}, cover_size=[1.0, 1.0])
    picture, labels = draw_canvas(pool, conf, np.random.default_rng(0))
    assert np.ptp(picture.reshape(3, -1), axis=1).max() == 0
    assert labels.any()


def test_numbers_of_digits():
    pool = digit_pools(small())["train"]
    counts = {
        draw_canvas(pool, small(**PLAIN, digits=[0, 1]), np.random.default_rng(seed))[1].any() for seed in range(12)
    }
    assert counts == {False, True}


def test_distinct_digits():
    pool = digit_pools(small())["train"]
    often = small(**PLAIN, classes=11, digits=[8, 8], digit_size=[0.1, 0.1], side=128)
    for conf, found in ((often, False), (dataclasses.replace(often, distinct=True), True)):
        counts = []
        for seed in range(6):
            labels = draw_canvas(pool, conf, np.random.default_rng(seed))[1]
            counts.append(len(np.unique(labels)) - 1)
        assert (set(counts) == {8}) == found


def test_digits_overlap_no_more_than_allowed(monkeypatch):
    import zsl_runner.data.sources.digit_canvas.canvas as canvas

    pool = digit_pools(small())["train"]
    places = []
    paint = canvas._paint

    def noted(picture, window, coverage, colour):
        places.append(window)
        paint(picture, window, coverage, colour)

    monkeypatch.setattr(canvas, "_paint", noted)

    def largest(limit):
        found = []
        for seed in range(10):
            places.clear()
            conf = small(**PLAIN, digits=[3, 3], digit_size=[0.3, 0.4], overlap=limit)
            draw_canvas(pool, conf, np.random.default_rng(seed))
            windows = places[-3:]
            found += [overlap(a, b) for number, a in enumerate(windows) for b in windows[:number]]
        return max(found)

    assert largest(1.0) > 0.3
    assert 0 < largest(0.2) <= 0.2
    assert largest(0.0) == 0


def test_digits_that_cannot_stand_apart_are_refused():
    with pytest.raises(DataError, match=r"dataset.overlap=0: expected places for up to 4 digits of up to 1 of"):
        load(small(digits=[4, 4], digit_size=[1.0, 1.0], overlap=0.0))


def test_dilated_masks_are_wider_than_the_ink_and_ink_comes_first():
    pool = digit_pools(small())["train"]
    conf = small(**PLAIN, classes=11, digits=[3, 3])
    for seed in range(5):
        thin = draw_canvas(pool, conf, np.random.default_rng(seed))
        wide = draw_canvas(pool, dataclasses.replace(conf, dilation=2), np.random.default_rng(seed))
        np.testing.assert_array_equal(thin[0], wide[0])
        np.testing.assert_array_equal(wide[1][thin[1] > 0], thin[1][thin[1] > 0])
        assert set(np.unique(wide[1])) == set(np.unique(thin[1]))
        ink, reach = thin[1] > 0, dilated(thin[1] > 0, 2)
        assert (wide[1][reach] > 0).all()
        assert reach.sum() > ink.sum()
        rows, columns = np.nonzero(wide[1])
        near = [ink[max(0, r - 2) : r + 3, max(0, c - 2) : c + 3].any() for r, c in zip(rows, columns, strict=True)]
        # Ink that a digit in front hides still has its margin.
        assert np.mean(near) > 0.9


def test_dilation_is_a_square():
    mask = np.zeros((5, 6), bool)
    mask[0, 2] = True
    expected = np.zeros((5, 6), bool)
    expected[:3, :5] = True
    np.testing.assert_array_equal(dilated(mask, 2), expected)
    np.testing.assert_array_equal(dilated(mask, 0), mask)


def test_grey_canvases_have_equal_channels():
    records = load(small(colour=False))
    assert (records.images == records.images[:, :1]).all()
    assert not (load(small()).images == records.images).all()


def test_resampling_keeps_flat_pictures_means_and_orientation():
    generator = np.random.default_rng(0)
    np.testing.assert_allclose(resampled(np.full((5, 7), 0.3), 11, 3), 0.3)
    image = generator.uniform(size=(4, 6))
    np.testing.assert_allclose(resampled(image, 4, 6), image)
    np.testing.assert_allclose(resampled(image[::-1], 9, 2), resampled(image, 9, 2)[::-1])
    np.testing.assert_allclose(resampled(image.T, 2, 9), resampled(image, 9, 2).T)
    # Shrinking by a whole factor weighs every old pixel: no single one can vanish.
    spike = np.zeros((1, 12))
    for place in range(12):
        spike[:] = 0
        spike[0, place] = 1
        assert resampled(spike, 1, 4).sum() > 0.2


def test_no_digit_is_in_two_pools():
    pools = digit_pools(small())
    assert sum(len(pool.images) for pool in pools.values()) == 1797
    # A few of the 1,797 digits are equal to another one; identity is by row here, which the sizes prove.
    assert [len(pools[split].images) for split in ("train", "validation", "test")] == [1198, 240, 359]


def write_mnist(folder):
    """Write files whose digits tell their split by their ink: 100 + row in training, 200 + row in testing."""
    for images, labels, count, base in ((TRAIN_IMAGES, TRAIN_LABELS, 60, 100), (TEST_IMAGES, TEST_LABELS, 20, 200)):
        array = np.zeros((count, 28, 28), np.uint8)
        array[:, 8:20, 10:18] = (base + np.arange(count))[:, None, None]
        for name, content in ((images, array), (labels, (np.arange(count) % 10).astype(np.uint8))):
            header = bytes((0, 0, 8, content.ndim)) + b"".join(size.to_bytes(4, "big") for size in content.shape)
            (folder / f"{name}.gz").write_bytes(gzip.compress(header + content.tobytes()))


def test_mnist_splits_keep_to_their_files(tmp_path):
    write_mnist(tmp_path)
    conf = small(source="mnist", root=str(tmp_path))
    ink = {split: set(pool.images.reshape(len(pool.images), -1).max(1)) for split, pool in digit_pools(conf).items()}
    assert ink == {"train": set(range(100, 150)), "validation": set(range(150, 160)), "test": set(range(200, 220))}
    assert [file.path for file in conf.required_files()] == [
        str(tmp_path / f"{name}.gz") for name in (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
    ]
    records = load(conf)
    assert len(records.provenance.files) == 4
    assert list(small().required_files()) == []


def test_an_empty_image_is_no_digit(tmp_path):
    write_mnist(tmp_path)
    path = tmp_path / f"{TEST_IMAGES}.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-784:] = bytes(784)
    path.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(DataError, match="expected a digit in every image of the idx files, found an empty one"):
        load(small(source="mnist", root=str(tmp_path)))


def problems(**changes):
    return {problem.key: problem.message for problem in small(**changes).problems()}


def test_complaints():
    assert problems() == {}
    assert "needs the folder" in problems(source="mnist")["root"]
    assert "has no effect with source=digits" in problems(root="x")["root"]
    assert problems(digit_size=[0.5])["digit_size"] == "expected [smallest, largest], found [0.5]"
    assert problems(cover_size=[0.5, 0.2])["cover_size"] == "expected [smallest, largest], found [0.5, 0.2]"
    assert "at least one digit" in problems(digits=[0, 0])["digits"]
    assert "at most 10 digits are distinct, found 11" in problems(digits=[1, 11], distinct=True)["digits"]


def test_data_folders_are_never_written_to(tmp_path):
    def problems(**changes):
        found = small(source="mnist", root=str(tmp_path / "mnist"), **changes).problems()
        return {problem.key: problem.message for problem in found}

    assert problems(cache=str(tmp_path / "cache")) == problems() == {}
    for inside in ("mnist", "mnist/cache", "other/../mnist"):
        assert (
            "lies inside the data folder, which is never written to" in problems(cache=str(tmp_path / inside))["cache"]
        )


def test_the_cache_is_used_and_keyed_by_all_that_draws(tmp_path, monkeypatch):
    conf = small(cache=str(tmp_path))
    first = load(conf)
    (file,) = tmp_path.iterdir()
    monkeypatch.setattr("zsl_runner.data.sources.digit_canvas.source.draw_canvas", None)  # drawing again would fail
    again = load(dataclasses.replace(conf, name="other", flip=True))
    np.testing.assert_array_equal(again.images, first.images)
    np.testing.assert_array_equal(again.labels, first.labels)
    for changes in ({"noise": 0.1}, {"data_seed": 1}, {"train": 7}):
        with pytest.raises(TypeError):
            load(dataclasses.replace(conf, **changes))
    monkeypatch.setattr("zsl_runner.data.sources.digit_canvas.source.VERSION", 10**6)
    with pytest.raises(TypeError):
        load(conf)
    assert list(tmp_path.iterdir()) == [file]


def test_prepare_fills_the_cache_and_verify_does_not_read_it(tmp_path):
    conf = small(cache=str(tmp_path))
    report = "\n".join(prepare("digit_canvas_embedded", conf))
    (kept,) = tmp_path.iterdir()
    assert f"  cache {kept}\n" in report
    assert f"zsl-run dataset=digit_canvas_embedded dataset.cache={tmp_path}" in report
    *_, command = prepare("digit_canvas_embedded", conf, ["noise=0.2", "dataset.strokes=3", f"cache={tmp_path}"])
    expected = f"dataset=digit_canvas_embedded dataset.noise=0.2 dataset.strokes=3 dataset.cache={tmp_path}"
    assert command == f"  run with zsl-run {expected}"
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"spoilt")
    report = "\n".join(verify("digit_canvas_embedded", conf))
    assert "labels     exact masks of 2 classes" in report
    assert "rows       6 train, 3 validation, 4 test" in report
    assert file.read_bytes() == b"spoilt"


def test_a_damaged_cache_is_replaced(tmp_path):
    content = (np.arange(12, dtype=np.uint8).reshape(1, 3, 2, 2), np.zeros((1, 2, 2), np.uint8))
    file = CanvasFile.of(tmp_path, {"a": 1})
    path = file.path
    cached(file, lambda: content)
    whole = path.read_bytes()
    for damaged in (b"", b"no zip", whole[:-40], whole[:150] + b"\xff" + whole[151:]):
        path.write_bytes(damaged)
        images, _ = cached(file, lambda: content)
        np.testing.assert_array_equal(images, content[0])
        assert path.read_bytes() == whole or cached(file, None)[0].tolist() == content[0].tolist()


def test_canvases_under_the_name_of_others_are_not_taken_for_them(tmp_path):
    one = (np.zeros((1, 3, 2, 2), np.uint8), np.zeros((1, 2, 2), np.uint8))
    other = (np.ones((1, 3, 2, 2), np.uint8), np.ones((1, 2, 2), np.uint8))
    first, second = (CanvasFile.of(tmp_path, {"seed": seed}) for seed in (1, 2))
    cached(first, lambda: one)
    second.path.write_bytes(first.path.read_bytes())
    assert cached(second, lambda: other) == other
    np.testing.assert_array_equal(cached(second, None)[0], other[0])


def test_a_folder_that_cannot_be_written_costs_a_warning(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    content = (np.zeros((1, 3, 2, 2), np.uint8), np.zeros((1, 2, 2), np.uint8))
    assert cached(CanvasFile.of(tmp_path / "file" / "below", {}), lambda: content) == content
    assert "the cache cannot be written" in caplog.text


def test_runs_that_start_at_once_share_a_cache(tmp_path):
    conf = small(cache=str(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: load(conf), range(4)))
    for records in found:
        np.testing.assert_array_equal(records.images, found[0].images)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]
