"""A folder of tagged images: tags by name, masks for evaluation or none; one clear error for each mistake."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from zsl_runner.data.pairs.segmentation.records import VOID
from zsl_runner.data.sources.image_folder.conf import TaggedFolderConf
from zsl_runner.data.sources.image_folder.source import contents
from zsl_runner.data.sources.image_folder.tagged import load
from zsl_runner.errors import DataError

TAGS = {"a/1": "cat", "a/2": "dog", "b/1": "cat,dog", "b/2": " dog , cat", "c": "dog", "d": "cat"}


@pytest.fixture
def folder(tmp_path):
    """Six images of 20 x 16 pixels with tags; masks of the first four, a cat in the left half, a dog in the right."""
    for number, (name, tags) in enumerate(TAGS.items()):
        image, mask = np.zeros((16, 20, 3), np.uint8), np.zeros((16, 20), np.uint8)
        image[:, :10, 0], image[..., 1] = 255, 10 * number
        mask[:, :10] = 1 * ("cat" in tags)
        mask[:, 10:] = 2 * ("dog" in tags)
        for below, array in (("images", image), ("masks", mask)):
            if below == "images" or number < 4:
                path = tmp_path / below / f"{name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array).save(path)
    write(tmp_path, "tags.txt", *(f"{name},{tags}" for name, tags in TAGS.items()))
    write(tmp_path, "train.txt", "a/1", "c", "d")
    write(tmp_path, "validation.txt", "a/2", "b/1")
    write(tmp_path, "test.txt", "b/2")
    return tmp_path


def write(folder, name, *lines):
    (folder / name).write_text("\n".join(lines) + "\n")


def conf(folder, **changes):
    chosen = {"name": "mine", "root": str(folder), "side": None, "classes": ["background", "cat", "dog"]}
    return TaggedFolderConf(**{**chosen, "masks": "masks", **changes})


def failure(folder, **changes):
    with pytest.raises(DataError) as caught:
        load(conf(folder, **changes))
    return str(caught.value)


def test_images_tags_and_masks_belong_together(folder):
    records = load(conf(folder))
    assert records.problems() == []
    assert records.images.shape == (6, 3, 16, 20)
    assert records.tags.astype(int).tolist() == [[1, 0], [0, 1], [1, 1], [1, 1], [0, 1], [1, 0]]
    assert records.train.tolist() == [0, 4, 5]
    assert records.validation.tolist() == [1, 2]
    assert records.has_mask(np.arange(6)).tolist() == [True] * 4 + [False] * 2
    assert (records.masks[4:] == VOID).all()
    assert (records.masks[2][:, :10] == 1).all()
    assert records.doubts() == []
    assert records.provenance.semantics == "tags of 2 classes: cat, dog"


def test_masks_are_optional(folder):
    records = load(conf(folder, masks=None))
    assert records.masks is None
    assert records.problems() == []


def test_images_are_resized_with_their_masks(folder):
    records = load(conf(folder, side=16))
    assert records.images.shape == (6, 3, 16, 16)
    assert records.masks.shape == (6, 16, 16)


def test_what_the_data_are_is_said_without_loading(folder):
    assert contents(conf(folder)) == load(conf(folder)).provenance.files
    assert len(contents(conf(folder))) == 6  # two folders, the tags, three lists
    assert len(contents(conf(folder, masks=None, shares=[0.5, 0.2, 0.3]))) == 2


def test_required_files_are_the_tags_and_the_lists(folder):
    required = {file.path: file for file in conf(folder).required_files()}
    assert [path.rsplit("/", 1)[1] for path in required] == ["tags.txt", "train.txt", "validation.txt", "test.txt"]
    tags = required[str(folder / "tags.txt")]
    assert "They are never taken from masks" in tags.remedy


def test_a_mask_that_contradicts_the_tags_is_doubted(folder):
    write(folder, "tags.txt", *(f"{name},cat" for name in TAGS))
    expected = "Validation masks with pixels of a class the image is not tagged with: 2 of 2."
    assert expected in load(conf(folder)).doubts()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["e,cat"], "no image is called e"),
        (["C,dog"], "no image is called C; the case of letters counts: there is c"),
        (["a/1"], "a/1: expected at least one tag, found none"),
        (["a/1,"], "a/1: expected at least one tag, found none"),
        (["a/1,cow"], "a/1: expected tags among cat, dog, found cow; name all classes in dataset.classes"),
        (["a/1,Cat"], "found Cat; the case of letters counts: there is cat"),
        (["a/1,background"], "a/1: 'background' is the background, which is no tag"),
        (["a/1,cat", "a/1,dog"], "'a/1' is there twice"),
        (["a/1,cat"], "expected a line for each image, found none for 5: a/2, b/1, b/2, c, d"),
        (["a/1," + "x" * 200_000], "expected names and tags with commas between"),
    ],
)
def test_mistakes_in_the_tags(lines, expected, folder):
    write(folder, "tags.txt", *lines)
    found = failure(folder)
    assert found.startswith(str(folder / "tags.txt"))
    assert expected in found


def test_a_mask_is_no_list_of_tags(folder):
    message = failure(folder, tags="masks/a/1.png")
    assert "a/1.png: cannot be read as a text file of names and tags: expected UTF-8" in message
    (tags, *_) = conf(folder, tags="masks").required_files()
    assert "They are never taken from masks; name another file with dataset.tags" in tags.remedy


def test_images_keep_their_names_for_messages(folder):
    assert load(conf(folder)).names == ("a/1", "a/2", "b/1", "b/2", "c", "d")


def test_images_in_no_list_need_no_tag(folder):
    write(folder, "train.txt", "a/1", "c")
    write(folder, "tags.txt", *(f"{name},{tags}" for name, tags in TAGS.items() if name != "d"))
    records = load(conf(folder))
    assert len(records.images) == 5
    assert "1 images are in no list and left out" in records.provenance.notes


def test_a_mask_without_its_image_is_refused(folder):
    (folder / "images/a/1.png").unlink()
    assert "1 masks have no image: a/1" in failure(folder)


def test_a_folder_of_masks_that_is_not_there_is_refused(folder):
    assert "mask: expected a folder" in failure(folder, masks="mask")


def test_options_are_those_of_a_folder_of_masks(folder):
    def problems(**changes):
        return {problem.key for problem in dataclasses.replace(conf(folder), **changes).problems()}

    assert problems() == set()
    assert problems(classes=["one"]) == {"classes"}
    assert problems(shares=[0.5, 0.6, 0.1]) == {"shares"}
