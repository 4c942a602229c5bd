"""A folder of images and masks: pairing by name, labels, colours, sizes, splits; one clear error for each mistake."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from zsl_runner.data.pairs.segmentation.records import VOID
from zsl_runner.data.sources.image_folder.conf import ImageFolderConf
from zsl_runner.data.sources.image_folder.source import load
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


def write_mask(folder, name, array):
    Image.fromarray(np.asarray(array, np.uint8)).save(folder / "masks" / f"{name}.png")


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


def test_images_are_turned_by_their_exif_orientation_and_masks_by_their_own(folder):
    expected = load(conf(folder))
    for orientation, back in ((3, 2), (6, 1)):  # quarter turns that undo what a viewer does
        exif = Image.Exif()
        exif[0x0112] = orientation
        for name in NAMES:
            row = NAMES.index(name)
            stored = np.rot90(expected.images[row].transpose(1, 2, 0), back)
            Image.fromarray(np.ascontiguousarray(stored)).save(folder / f"images/{name}.png", exif=exif)
            (folder / f"images/{name}.jpg").unlink(missing_ok=True)
        turned = load(conf(folder))
        np.testing.assert_array_equal(turned.images, expected.images)
        np.testing.assert_array_equal(turned.labels, expected.labels)
        assert "6 pictures turned by their EXIF orientation" in turned.provenance.notes
    assert "like its image" in (message := failure_of_stored_mask(folder))
    assert "which is turned by its EXIF orientation, found 16 x 20" in message
    mask = Image.fromarray(np.ascontiguousarray(np.rot90(expected.labels[2])))
    mask.save(folder / "masks/b/1.png", exif=exif)  # turned as its image
    np.testing.assert_array_equal(load(conf(folder)).labels[2], expected.labels[2])


def failure_of_stored_mask(folder):
    """Return the problem about a mask that was drawn on the picture as it is stored, lying on its side."""
    mask = Image.open(folder / "masks/b/1.png")
    mask.transpose(Image.Transpose.ROTATE_90).save(folder / "masks/b/1.png")
    return failure(folder)


def test_labels_of_sixteen_bits_and_their_void_value(folder):
    for name in NAMES:
        mask = np.tile(np.array([0, 1, 2, 65535], np.uint16), (16, 5))
        Image.fromarray(mask).save(folder / f"masks/{name}.png")
    records = load(conf(folder, classes=["sky", "cat", "dog"], void=65535))
    np.testing.assert_array_equal(records.labels, np.tile([0, 1, 2, VOID], (6, 16, 5)))
    assert "expected labels 0..2 or 255 (void) for 3 classes, found [65535]" in failure(
        folder, classes=["sky", "cat", "dog"]
    )
    assert "expected labels 0..1 or 65535 (void) for 2 classes, found [2]" in failure(folder, void=65535)


def test_masks_of_one_bit_are_labels_or_under_a_threshold_black_and_white(folder):
    for name in NAMES:
        Image.fromarray(np.tile([False, True], (16, 10))).save(folder / f"masks/{name}.png")
    for options in ({}, {"void": None}, {"threshold": 127, "void": None}):
        np.testing.assert_array_equal(load(conf(folder, **options)).labels, np.tile([0, 1], (6, 16, 10)))


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ([0, 255], {}, "found none of foreground (the masks hold the values 0, 255); dataset.void=255 counts nowhere: "
         "if it stands for a class, use dataset.threshold=127 dataset.void=null"),
        ([0, 1, 255], {"classes": ["sky", "cat", "dog"]}, "none of dog (the masks hold the values 0, 1, 255); "
         "dataset.void=255 counts nowhere: if it stands for a class, use dataset.void=null"),
        ([0, 0], {"void": None}, "none of foreground (the masks hold the values 0); name only classes that occur"),
        ([0, 120], {"void": None, "threshold": 127}, "the values 0, 120); no value is above dataset.threshold=127"),
    ],
)  # fmt: skip
def test_every_class_must_have_pixels_to_learn_from(folder, values, options, expected):
    for name in NAMES:
        write_mask(folder, name, np.tile(values, (16, 20))[:, :20])
    assert f"{folder / 'masks'}: expected pixels of every class of dataset.classes in the training masks" in (
        message := failure(folder, **options)
    )
    assert expected in message


def test_a_class_that_is_only_in_other_splits_or_lost_by_resizing_is_told_apart(folder):
    for name in NAMES:
        write_mask(folder, name, np.zeros((16, 20)))
    last = NAMES[np.random.default_rng(0).permutation(6)[-1]]  # split_seed=0 draws it for testing
    write_mask(folder, last, np.ones((16, 20)))
    first, second, third = [name for name in NAMES if name != last][:3]
    write_lists(folder, train=f"{first}\n{second}", validation=last, test=third)
    assert "other splits have some: change the lists of names" in failure(folder, shares=None)
    assert "other splits have some: change dataset.shares or dataset.split_seed" in failure(folder)
    for name in NAMES:
        mask = np.zeros((64, 64))
        mask[5, 7] = 1
        write_mask(folder, name, mask)
        Image.new("RGB", (64, 64), (NAMES.index(name), 0, 9)).save(folder / f"images/{name}.jpg")
    assert "resizing to dataset.side=16 leaves none: choose a larger side" in failure(folder, side=16)
    for name in NAMES:
        write_mask(folder, name, mask * 255)
    assert "resizing to dataset.side=16 leaves none" in failure(folder, side=16, threshold=9, void=None)
    for name in NAMES:
        write_mask(folder, name, np.repeat(mask[..., None], 3, 2) * (0, 255, 0))
    colours = {"colours": ["000000", "00ff00"], "void": None}
    assert "hold the colours 000000, 00ff00); resizing to dataset.side=16 leaves none" in failure(
        folder, side=16, **colours
    )


def test_without_background_there_is_a_warning_only(folder):
    for name in NAMES:
        write_mask(folder, name, np.ones((16, 20)))
    assert load(conf(folder)).doubts()[0] == "No pixel of background is in the training masks."


def test_names_in_lists_are_compared_in_one_form_and_without_marks(folder):
    (folder / "images/c.jpg").rename(folder / "images/é.jpg")
    (folder / "masks/c.png").rename(folder / "masks/e\u0301.png")
    marked = "\ufeffa/1\r\nb/2 \r\n"
    write_lists(folder, train=marked, validation="e\u0301", test="a/2")
    (folder / "train.txt").write_bytes(marked.encode())
    records = load(conf(folder, shares=None))
    assert [len(rows) for rows in (records.train, records.validation, records.test)] == [2, 1, 1]
    write_lists(folder, train="A/1")
    assert "no image is called A/1; the case of letters counts: there is a/1" in failure(folder, shares=None)


def test_pairs_that_differ_in_case_are_told(folder):
    (folder / "masks/c.png").rename(folder / "masks/C.png")
    assert "1 masks have no image: C; the case of letters counts: there is C" in failure(folder)


def test_lists_belong_to_the_checksum(folder):
    write_lists(folder)
    first = load(conf(folder, shares=None)).provenance.files
    assert [file.path.rpartition("/")[2] for file in first[2:]] == ["train.txt", "validation.txt", "test.txt"]
    write_lists(folder, test="d")
    second = load(conf(folder, shares=None)).provenance.files
    assert [one == two for one, two in zip(first, second, strict=True)] == [True, True, True, True, False]


def test_the_checksum_changes_with_any_file(folder):
    def checksum():
        return [file.sha256 for file in load(conf(folder)).provenance.files]

    before = checksum()
    assert before == checksum()
    write_mask(folder, "c", np.ones((16, 20)))
    assert checksum() != before


def problems(**changes):
    found = dataclasses.replace(conf("folder"), **changes).problems()
    return {problem.key: problem.message for problem in found}


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
    assert problems() == {}
    assert expected in problems(**changes)[key]
