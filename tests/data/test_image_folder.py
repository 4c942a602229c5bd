"""A folder of images and masks: pairing by name, labels, colours, sizes, splits; one clear error for each mistake."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from zsl_runner.data.image_folder.conf import ImageFolderConf
from zsl_runner.data.image_folder.source import load
from zsl_runner.data.segmentation.records import VOID
from zsl_runner.errors import DataError

NAMES = ("a/1", "a/2", "b/1", "b/2", "c", "d")


@pytest.fixture
def folder(tmp_path):
    """Six images of 20 x 16 pixels whose mask is 1 in the right half, where the image is red; void in one corner."""
    for number, name in enumerate(NAMES):
        image, mask = np.zeros((16, 20, 3), np.uint8), np.zeros((16, 20), np.uint8)
        image[:, 10:, 0], image[..., 1], mask[:, 10:] = 255, 10 * number, 1
        mask[0, 0] = VOID
        for below, ending, array in (("images", "jpg", image), ("masks", "png", mask)):
            path = tmp_path / below / f"{name}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(path, **({"quality": 95} if ending == "jpg" else {}))
    return tmp_path


def conf(folder, **changes):
    return ImageFolderConf(
        **{"name": "mine", "root": str(folder), "side": None, "shares": [0.5, 1 / 6, 1 / 3], **changes}
    )


def write_mask(folder, name, array, mode=None):
    Image.fromarray(np.asarray(array, np.uint8), mode).save(folder / "masks" / f"{name}.png")


def failure(folder, **changes):
    with pytest.raises(DataError) as caught:
        load(conf(folder, **changes))
    return str(caught.value)


def test_images_and_masks_belong_together(folder):
    records = load(conf(folder))
    assert records.problems() == []
    assert records.images.shape == (6, 3, 16, 20)
    assert [len(rows) for rows in (records.train, records.validation, records.test)] == [3, 1, 2]
    red = records.images[:, 0] > 128
    counted = records.labels != VOID
    np.testing.assert_array_equal(red[counted], records.labels[counted] == 1)
    assert (records.labels[:, 0, 0] == VOID).all()
    assert records.class_names == ("background", "foreground")
    green = records.images[:, 1].mean((1, 2))
    assert (np.diff(green) > 5).all()  # rows are in the order of the names


def test_resizing_keeps_labels_labels(folder):
    records = load(conf(folder, side=32))
    assert records.images.shape == (6, 3, 32, 32)
    assert set(np.unique(records.labels)) == {0, 1, 255}


def test_the_draw_of_splits_is_seeded(folder):
    first, again, other = (load(conf(folder, split_seed=seed)) for seed in (0, 0, 3))
    np.testing.assert_array_equal(first.train, again.train)
    assert set(first.train) != set(other.train)
    assert first.provenance.split_version == "own (shares 0.5, 0.166667, 0.333333, seed 0)"


def write_lists(folder, train="a/1\nb/2\n\n", validation="c", test="a/2"):
    for name, text in (("train", train), ("validation", validation), ("test", test)):
        (folder / f"{name}.txt").write_text(text)


def test_lists_name_the_splits(folder):
    write_lists(folder)
    records = load(conf(folder, shares=None))
    everything = load(conf(folder))
    places = {name: number for number, name in enumerate(NAMES)}
    for rows, names in ((records.train, ["a/1", "b/2"]), (records.validation, ["c"]), (records.test, ["a/2"])):
        expected = everything.images[[places[name] for name in names]]
        np.testing.assert_array_equal(records.images[rows], expected)
    assert len(records.images) == 4
    assert "2 images are in no list and left out" in records.provenance.notes
    required = [file.path for file in conf(folder, shares=None).required_files()]
    assert required == [str(folder / f"{name}.txt") for name in ("train", "validation", "test")]
    assert list(conf(folder).required_files()) == []


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({"train": "a/1\nx/9"}, "train.txt: expected names of images in images without their ending; no image is"),
        ({"test": "c"}, "test.txt: 'c' is also in validation.txt; an image belongs to one split, once"),
        ({"train": "a/1\na/1"}, "train.txt: 'a/1' is also in train.txt"),
        ({"validation": "\n"}, "validation.txt: expected the name of an image in each line, found none"),
    ],
)
def test_lists_with_mistakes(folder, lists, expected):
    write_lists(folder, **lists)
    assert expected in failure(folder, shares=None)


def test_a_list_that_is_not_there(folder):
    write_lists(folder)
    (folder / "test.txt").unlink()
    assert f"{folder / 'test.txt'}: cannot be read" in failure(folder, shares=None)


def test_an_image_without_mask_and_a_mask_without_image(folder):
    (folder / "masks/a/1.png").unlink()
    (folder / "images/c.jpg").unlink()
    message = failure(folder)
    assert "1 images have no mask: a/1; 1 masks have no image: c" in message
    assert str(folder) in message


def test_one_name_twice(folder):
    (folder / "images/c.png").write_bytes((folder / "masks/c.png").read_bytes())
    assert "c.png: another file, c.jpg, has the same name" in failure(folder)


def test_missing_and_empty_folders(folder, tmp_path):
    assert "nowhere: expected a folder; check dataset.root" in failure(folder, masks="nowhere")
    (tmp_path / "bare").mkdir()
    assert "bare: expected pictures" in failure(folder, images="bare")


def test_image_and_mask_of_different_size(folder):
    write_mask(folder, "b/1", np.zeros((16, 19)))
    expected = f"{folder / 'masks/b/1.png'}: expected a mask of 20 x 16 pixels like its image"
    for side in (None, 32):
        assert expected in failure(folder, side=side)
    assert "found 19 x 16" in failure(folder)


def test_images_of_different_sizes_need_a_side(folder):
    Image.new("RGB", (24, 16)).save(folder / "images/d.jpg")
    write_mask(folder, "d", np.zeros((16, 24)))
    message = failure(folder)
    assert f"{folder / 'images/d.jpg'}: expected 20 x 16 pixels like" in message
    assert "found 24 x 16; give dataset.side" in message
    assert load(conf(folder, side=16)).labels.shape == (6, 16, 16)


def test_more_classes_than_configured(folder):
    write_mask(folder, "a/2", np.full((16, 20), 2))
    message = failure(folder)
    assert f"{folder / 'masks/a/2.png'}: expected labels 0..1 or 255 (void) for 2 classes, found [2]" in message
    assert "expected labels 0..1 for 2 classes, found [255]" in failure(folder, void=None)
    for name in NAMES:  # every class must be in training
        write_mask(folder, name, np.tile([2, 1], (16, 10)))
    assert (load(conf(folder, classes=["sky", "cat", "dog"])).labels == 2).sum() == 6 * 160


def test_files_that_are_no_pictures(folder):
    (folder / "masks/c.png").write_bytes(b"")
    assert f"{folder / 'masks/c.png'}: cannot be read as a picture" in failure(folder)
    whole = (folder / "images/a/1.jpg").read_bytes()
    (folder / "images/a/1.jpg").write_bytes(whole[: len(whole) // 2])
    assert f"{folder / 'images/a/1.jpg'}: cannot be read as a picture" in failure(folder)


def test_palette_masks_hold_labels(folder):
    mask = Image.fromarray(np.tile(np.arange(20, dtype=np.uint8) // 10, (16, 1)))
    palette = mask.convert("P")
    palette.putdata(list(np.asarray(mask).ravel()))
    palette.putpalette([9, 9, 9, 200, 0, 0])
    palette.save(folder / "masks/d.png")
    assert Image.open(folder / "masks/d.png").mode == "P"
    np.testing.assert_array_equal(load(conf(folder)).labels[-1], np.asarray(mask))


def test_grey_masks_with_a_threshold(folder):
    for name in NAMES:
        write_mask(folder, name, np.tile([0, 127, 128, 255], (16, 5)))
    records = load(conf(folder, threshold=127, void=None))
    np.testing.assert_array_equal(records.labels, np.tile([0, 0, 1, 1], (6, 16, 5)))


def test_masks_in_colours(folder):
    colours = {"background": (0, 0, 255), "face": (0, 255, 0), "hair": (255, 0, 0)}
    for name in NAMES:
        mask = np.zeros((16, 20, 3))
        mask[:, :], mask[:4], mask[4:6] = colours["background"], colours["hair"], colours["face"]
        write_mask(folder, name, mask)
    options = {"classes": [*colours], "colours": ["0000ff", "00FF00", "ff0000"], "void": None}
    labels = load(conf(folder, **options)).labels
    np.testing.assert_array_equal(labels[0, :, 3], [2] * 4 + [1] * 2 + [0] * 10)
    assert "expected a grey or palette picture whose values are labels, found mode RGB" in failure(folder)
    message = failure(folder, **{**options, "classes": ["background", "face"], "colours": ["0000ff", "00ff00"]})
    assert "a/1.png: expected the colours 0000ff, 00ff00, found also ff0000" in message


def test_shares_too_small_for_the_images(folder):
    assert "6 images are too few for dataset.shares" in failure(folder, shares=[0.9, 0.05, 0.05])


def test_the_checksum_changes_with_any_file(folder):
    def checksum():
        return load(conf(folder)).provenance.files[0].sha256

    before = checksum()
    assert before == checksum()
    write_mask(folder, "c", np.ones((16, 20)))
    assert checksum() != before


def complaints(**changes):
    found = dataclasses.replace(conf("folder"), **changes).complaints()
    return {complaint.key: complaint.message for complaint in found}


@pytest.mark.parametrize(
    ("changes", "key", "expected"),
    [
        ({"classes": ["a"]}, "classes", "2 to 255 different names"),
        ({"classes": ["a", "a"]}, "classes", "different names"),
        ({"void": 1}, "void", "1 is the label of 'foreground'"),
        ({"threshold": 9}, "void", "has no effect with a threshold"),
        ({"threshold": 9, "void": None, "classes": ["a", "b", "c"]}, "threshold", "makes two classes"),
        ({"colours": ["000000", "ffffff"]}, "void", "has no effect with colours"),
        ({"colours": ["000000"], "void": None}, "colours", "expected 2 different colours"),
        ({"colours": ["000000", "white"], "void": None}, "colours", "six hexadecimal digits RRGGBB, found white"),
        ({"colours": ["000000", "ffffff"], "threshold": 1, "void": None}, "threshold", "either grey or in colours"),
        ({"shares": [0.5, 0.6, 0.1]}, "shares", "three numbers that sum to 1"),
    ],
)
def test_complaints(changes, key, expected):
    assert complaints() == {}
    assert expected in complaints(**changes)[key]
