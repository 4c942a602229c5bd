"""What data are can be said without loading them, and agrees with what loaded records say, for every data set."""

import numpy as np
import pytest
from PIL import Image

from tests.dsprites_file import small_dsprites
from tests.mnist_files import idx, random_digits
from tests.slow import slow_if
from zsl_runner.data.command.chosen import chosen, data_sets
from zsl_runner.data.load import contents, load
from zsl_runner.errors import RunError

PICTURES = ["image_classes", "unlabelled_images"]


def picture(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((20, 20), value, np.uint8)).save(path)


@pytest.fixture
def root(tmp_path):
    """A folder with something for every data set that needs files."""
    for number in range(20):
        picture(tmp_path / "pictures" / ("chairs" if number % 2 else "arms") / f"{number:02}.bmp", number)
        picture(tmp_path / "masked" / "images" / f"{number:02}.png", 10 * number)
        picture(tmp_path / "masked" / "masks" / f"{number:02}.png", number % 2)
    names = [f"{number:02}\n" for number in range(20)]
    for list_name, part in (("train", names[:10]), ("validation", names[10:15]), ("test", names[15:])):
        (tmp_path / "masked" / f"{list_name}.txt").write_text("".join(part))
    (tmp_path / "masked" / "tags.txt").write_text("".join(f"{name.strip()},foreground\n" for name in names))
    (tmp_path / "mnist").mkdir()
    for name, content in random_digits().items():
        (tmp_path / "mnist" / name).write_bytes(idx(content))
    small_dsprites(tmp_path / "dsprites")
    return tmp_path


def options(name, root):
    if name in PICTURES:
        return [f"root='{root / 'pictures'}'", "side=16"]
    if name == "image_folder":
        return [f"root='{root / 'masked'}'", "side=16"]
    if name == "tagged_folder":
        return [f"root='{root / 'masked'}'", "side=16", "masks=masks"]
    if name == "dsprites":
        return [f"root='{root / 'dsprites'}'", "validation_rows=20", "test_rows=20"]
    if "mnist" in name:
        rows = (
            "validation_rows=20" if name in ("mnist_images", "fashion_mnist", "mnist_quadrant", "split_mnist") else None
        )
        return [f"root='{root / 'mnist'}'", *([rows] if rows else [])]
    if name in ("digit_canvas", "tagged_canvas"):
        return [f"root='{root / 'mnist'}'", "train=4", "validation=2", "test=2", "cache=null"]
    if name in ("digit_canvas_embedded", "tagged_canvas_embedded"):
        return ["train=4", "validation=2", "test=2", "cache=null"]
    return []


@pytest.mark.parametrize("name", slow_if(["synthetic", "awa1", "cub_tasks", "awa1_tasks", "flo89_tasks"], data_sets()))
def test_it_is_what_the_loaded_records_say(name, root, monkeypatch, tmp_path):
    monkeypatch.setenv("ZSL_CACHE", str(tmp_path / "cache"))
    try:
        conf = chosen(name, options(name, root))
        records = load(conf)
    except RunError as error:
        if options(name, root):
            raise
        pytest.skip(f"its files are not here: {str(error).splitlines()[0]}")
    assert contents(conf) == records.provenance.files


@pytest.mark.parametrize(
    "name", [*PICTURES, "image_folder", "tagged_folder", "mnist_images", "dsprites", "digits", "digits_images"]
)
def test_it_is_said_without_loading(name, root, monkeypatch):
    conf = chosen(name, options(name, root))
    said = contents(conf)
    monkeypatch.setattr(type(conf), "implementation", "nothing:at_all")
    assert contents(conf) == said
    assert len(said) == len({file.sha256 for file in said}) > 0


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_equal_names_and_sizes_are_told_apart(name, root):
    conf = chosen(name, options(name, root))
    before = contents(conf)
    path = root / "pictures" / "arms" / "00.bmp"
    size = path.stat().st_size
    picture(path, 255)
    assert path.stat().st_size == size
    assert contents(conf) != before


@pytest.mark.parametrize("changed", ["images/03.png", "masks/04.png", "train.txt"])
def test_images_masks_and_lists_are_told_apart(root, changed):
    conf = chosen("image_folder", options("image_folder", root))
    before = contents(conf)
    path = root / "masked" / changed
    if path.suffix == ".txt":
        path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))
    else:
        picture(path, 1 if "03" in changed else 0)
        Image.fromarray(np.eye(20, dtype=np.uint8)).save(path)
    assert [old == new for old, new in zip(before, contents(conf), strict=True)].count(False) == 1


def test_a_copy_elsewhere_is_the_same(root):
    first = chosen("image_folder", options("image_folder", root))
    (root / "moved").mkdir()
    (root / "masked").rename(root / "moved" / "masked")
    before = [file.sha256 for file in contents(chosen("image_folder", options("image_folder", root / "moved")))]
    (root / "moved" / "masked").rename(root / "masked")
    assert [file.sha256 for file in contents(first)] == before
