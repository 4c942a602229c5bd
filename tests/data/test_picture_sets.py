import numpy as np
import pytest
from PIL import Image

from zsl_runner.data.load import load
from zsl_runner.data.sources.pictures.conf import ImageClassesConf, UnlabelledImagesConf
from zsl_runner.data.sources.pictures.source import load_classes, load_unlabelled
from zsl_runner.errors import DataError
from zsl_runner.models.cvae.conf import CVAEConf
from zsl_runner.models.joint_vae.conf import JointVAEConf


def save(path, size=(40, 30), value=0, mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((size[1], size[0], 3), value, dtype=np.uint8)
    picture[:, size[0] // 2 :] = 255
    Image.fromarray(picture).convert(mode).save(path)


@pytest.fixture
def folder(tmp_path):
    for number in range(20):
        save(tmp_path / ("chairs" if number % 2 else "arms") / f"{number:02}.png", value=number)
    return tmp_path


def classes(root, **options):
    return load_classes(ImageClassesConf(**{"name": "mine", "root": str(root), "side": 16, **options}))


def loose(root, **options):
    return load_unlabelled(UnlabelledImagesConf(**{"name": "mine", "root": str(root), "side": 16, **options}))


def test_a_folder_is_a_class(folder):
    records = classes(folder)
    assert records.class_names == ("arms", "chairs")
    assert records.images.shape == (20, 3, 16, 16)
    assert [len(rows) for rows in records.splits().values()] == [16, 2, 2]
    for row, label in enumerate(records.labels):
        # The left pixels hold the picture's number, odd for chairs.
        assert records.images[row, 0, 0, 0] % 2 == label
    assert len(records.labelled) == 16
    some = classes(folder, labelled=4, label_seed=3)
    assert len(some.labelled) == 4
    assert "4 training images with a label, label seed 3" in some.provenance.notes


def test_all_pictures_count_without_classes(folder):
    save(folder / "top.png", value=77)
    records = loose(folder)
    assert len(records.images) == 21
    assert records.labels is None
    assert records.class_names == ()
    assert "no classes" in records.provenance.semantics


def test_the_square_in_the_middle_is_cut_and_resized(tmp_path):
    for number in range(10):
        save(tmp_path / f"{number}.png", size=(60, 40), value=number)
    images = loose(tmp_path, side=None).images
    assert images.shape == (10, 3, 40, 40)
    assert (images[0, 0, :, :20] == 0).all()
    assert (images[0, 0, :, 20:] == 255).all()
    assert loose(tmp_path, side=None, crop=20).images.shape == (10, 3, 20, 20)
    assert loose(tmp_path, crop=20).images.shape == (10, 3, 16, 16)


def test_grey_or_in_colours(folder):
    assert loose(folder, colour=False).images.shape == (20, 1, 16, 16)
    save(folder / "grey.png", mode="L")
    assert loose(folder).images.shape == (21, 3, 16, 16)


def test_the_first_measured_pictures_are_of_all_classes(folder):
    """Pictures are read class by class; who measures on a part of them takes the first."""
    records = classes(folder, shares=[0.2, 0.4, 0.4])
    for rows in (records.validation, records.test):
        assert set(records.labels[rows[:4]].tolist()) == {0, 1}
    assert np.array_equal(records.train, np.sort(records.train))


def test_splits_are_drawn_and_repeat(folder):
    first, again, other = classes(folder), classes(folder), classes(folder, split_seed=1)
    assert np.array_equal(first.train, again.train)
    assert not np.array_equal(first.train, other.train)
    assert sorted(np.concatenate(list(first.splits().values()))) == list(range(20))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "arms" / "bad.png").write_bytes(b"no picture"), r"bad\.png: cannot be read as a picture"),
        (lambda root: save(root / "loose.png"), r"found loose.png beside them; use dataset=unlabelled_images"),
        (lambda root: save(root / "arms" / "small.png", size=(10, 30)), r"at least dataset.crop=20 pixels"),
    ],
)
def test_spoilt_folders_are_refused(folder, spoil, message):
    spoil(folder)
    with pytest.raises(DataError, match=message):
        classes(folder, crop=20)


def test_pictures_of_several_sizes_need_a_side(folder):
    save(folder / "arms" / "zz.png", size=(50, 50))
    with pytest.raises(DataError, match=r"zz.png: expected a square of 30 pixels .* found 50; give dataset.side"):
        classes(folder, side=None)


def test_what_notebooks_leave_behind_is_no_class_and_no_picture(folder):
    expected = classes(folder)
    for below in (".ipynb_checkpoints", "arms/.ipynb_checkpoints"):
        save(folder / below / "00-checkpoint.png", value=1)
    save(folder / "arms/.hidden.png")
    found = classes(folder)
    assert found.class_names == ("arms", "chairs")
    np.testing.assert_array_equal(found.images, expected.images)
    assert found.provenance == expected.provenance


def test_a_class_may_be_a_link(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for number in range(3):
        save(elsewhere / f"{number}.png", value=50 + number)
    (folder / "tables").symlink_to(elsewhere)
    records = classes(folder)
    assert records.class_names == ("arms", "chairs", "tables")
    assert (records.labels == 2).sum() == 3


def test_a_folder_without_pictures_is_named(folder):
    (folder / "notes").mkdir()
    (folder / "notes/readme.txt").write_text("")
    with pytest.raises(DataError, match=r"found no picture in notes \(files left out .* 1 .txt\); remove a folder"):
        classes(folder)
    (folder / "notes").rename(folder / ".notes")
    assert classes(folder).class_names == ("arms", "chairs")


def test_pictures_are_turned_before_the_square_is_cut(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for number in range(10):
        stored = np.zeros((20, 40, 3), np.uint8)
        stored[:, 10:20] = 255 - number  # a viewer shows these columns as rows 10 to 19 of 40
        Image.fromarray(stored).save(tmp_path / f"{number}.png", exif=exif)
    images = loose(tmp_path, side=None).images
    assert images.shape == (10, 3, 20, 20)
    np.testing.assert_array_equal(images[:, :, :10].min((1, 2, 3)), 255 - np.arange(10))
    assert (images[:, :, 10:] == 0).all()


def test_the_checksum_is_over_contents(tmp_path):
    for root, value in (("one", 0), ("two", 1)):
        for number in range(10):
            save(tmp_path / root / f"{number}.bmp", value=number + value)
    first, second = (loose(tmp_path / root) for root in ("one", "two"))
    sizes = [[path.stat().st_size for path in (tmp_path / root).iterdir()] for root in ("one", "two")]
    assert sizes[0] == sizes[1]
    assert first.provenance.files[0].sha256 != second.provenance.files[0].sha256
    (tmp_path / "one").rename(tmp_path / "three")
    assert loose(tmp_path / "three").provenance.files[0].sha256 == first.provenance.files[0].sha256


def test_pictures_that_are_all_one_are_refused(tmp_path):
    for number in range(10):
        save(tmp_path / f"{number}.png", value=7)
    with pytest.raises(DataError, match="images: expected different images, found one image 10 times"):
        loose(tmp_path)


def test_what_is_declared_and_does_not_occur_is_doubtful(folder):
    assert classes(folder).doubts() == []
    save(folder / "Arms" / "one.png", value=9)
    found = load(ImageClassesConf(name="mine", root=str(folder), side=16)).provenance.warnings
    assert sum("No image of Arms" in text for text in found) == 2  # it is in one split of three
    assert "Classes whose names differ in the case of letters only: Arms, arms." in found


def test_pictures_of_one_colour_each_are_doubtful(tmp_path):
    for number in range(10):
        Image.new("RGB", (20, 20), (number, 200, 0)).save(tmp_path / f"{number}.png")
    assert loose(tmp_path).doubts() == ["Each image is of one single colour: there is nothing to be seen on any."]


def test_missing_folders_single_classes_and_too_few_pictures_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected a folder; check dataset.root"):
        classes(tmp_path / "nowhere")
    with pytest.raises(DataError, match="expected pictures"):
        loose(tmp_path)
    for number in range(3):
        save(tmp_path / "only" / f"{number}.png")
    with pytest.raises(DataError, match="found one class, only"):
        classes(tmp_path)
    with pytest.raises(DataError, match="3 images are too few"):
        loose(tmp_path)


def test_shares_must_be_three_and_all():
    assert [c.key for c in UnlabelledImagesConf(name="m", shares=[0.5, 0.4]).problems()] == ["shares"]
    assert not list(UnlabelledImagesConf(name="m").problems())
    assert not list(ImageClassesConf(name="m").problems())


def test_a_missing_folder_is_told_before_a_run(tmp_path):
    here, nowhere = (UnlabelledImagesConf(name="m", root=str(root)) for root in (tmp_path, tmp_path / "nowhere"))
    assert not list(here.problems())
    assert [(c.key, "is not there" in c.message) for c in nowhere.problems()] == [("root", True)]


def test_what_they_offer_and_how_results_are_recorded():
    assert "image_labels" in ImageClassesConf.provides
    assert UnlabelledImagesConf.provides == {"image_rows"}
    conf = ImageClassesConf(name="m", labelled=30)
    assert conf.setting(JointVAEConf(), None) == {"kind": "unsupervised"}
    assert conf.setting(CVAEConf(), None) == {"kind": "semi-supervised, 30 labels"}
    assert UnlabelledImagesConf(name="m").setting(JointVAEConf(), None) == {"kind": "unsupervised"}
    assert [c.key for c in JointVAEConf().fits(ImageClassesConf(name="m", side=48))] == ["kind"]
