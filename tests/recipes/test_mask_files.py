"""Masks that `zsl-eval --masks` writes: those that were measured, and those of training images for a second network."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import confusion_matrix

from tests.exits import code_of
from tests.golden.runs import QUIET, RUNS
from tests.small_runs import CLOSED, config_of, finished
from zsl_runner.data.load import load
from zsl_runner.data.pairs.segmentation.records import COLOURS
from zsl_runner.data.sources.image_folder.alone import for_masks
from zsl_runner.data.sources.image_folder.conf import ImageFolderConf
from zsl_runner.errors import DataError, RunError
from zsl_runner.evaluate.cli import main
from zsl_runner.evaluation.class_maps.seeds import seeds
from zsl_runner.runs.opened import open_run

CANVASES = [*RUNS["prototype_contrast"], *QUIET, "dataset.cache=null", "runtime.device=cpu"]
CVAE = "cvae_segmentation_small"
SHARES = "dataset.shares=[0.6,0.2,0.2]"
CLASSES = "dataset.classes=[background,cat,dog]"
FOLDER = [
    *(setting for setting in CANVASES if not setting.startswith("dataset")),
    "dataset=tagged_folder",
    CLASSES,
    SHARES,
    "dataset.side=24",
    "evaluator.select_metric=val/tag_accuracy",
]


@pytest.fixture(scope="module")
def canvases(tmp_path_factory):
    return open_run(finished(tmp_path_factory.mktemp("canvases"), *CANVASES))


def draw(folder):
    """Twelve pictures of different sizes, some in a folder below, with tags: cats at the left, dogs at the right."""
    random = np.random.default_rng(0)
    (folder / "images" / "deep").mkdir(parents=True)
    lines = []
    for number in range(12):
        height, width = 30 + number, 40 - number
        pixels = random.integers(0, 90, (height, width, 3), dtype=np.uint8)
        tags = [["cat"], ["dog"], ["cat", "dog"]][number % 3]
        if "cat" in tags:
            pixels[5:20, 3:15, 0] = 250
        if "dog" in tags:
            pixels[5:20, 18:27, 2] = 250
        name = f"{'deep/' if number > 8 else ''}picture {number}"
        Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
        lines.append(",".join([name, *tags]))
    (folder / "tags.txt").write_text("\n".join(lines))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    draw(root)
    return root


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, folder):
    return open_run(finished(tmp_path_factory.mktemp("tagged"), *FOLDER, f"dataset.root='{folder}'"))


def masks_below(folder):
    """Return values by name, of files with a palette."""
    found = {}
    for path in folder.rglob("*.png"):
        with Image.open(path) as picture:
            assert picture.mode == "P"
            assert tuple(picture.getpalette()[:6]) == (*COLOURS[0], *COLOURS[1])
            found[str(path.relative_to(folder).with_suffix(""))] = np.asarray(picture)
    return found


def mean_iou(truth, found, classes):
    """Return the mean over the classes that are true or found, in per cent, by scikit-learn's confusion matrix."""
    counts = confusion_matrix(truth.ravel(), found.ravel(), labels=range(classes))
    right, either = np.diag(counts), counts.sum(0) + counts.sum(1) - np.diag(counts)
    return 100 * np.mean(right[either > 0] / either[either > 0])


def test_masks_of_test_images_are_those_that_were_measured(canvases, tmp_path, capsys):
    assert main([str(canvases.directory), "--masks", str(tmp_path / "masks"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    found = masks_below(tmp_path / "masks")
    data = canvases.data
    assert sorted(found) == [f"{row:06d}" for row in data.test]
    labels = np.stack([found[f"{row:06d}"] for row in data.test])
    assert labels.any()  # or nothing would be compared
    measured = canvases.result.metrics["test/mIoU_refined"]
    assert mean_iou(data.masks[data.test], labels, len(data.class_names)) == pytest.approx(measured, abs=1e-9)
    table = shown["tables"]["masks"]
    assert table["rows"] == list(data.class_names)
    shares = [100 * np.mean(labels == k) for k in range(len(data.class_names))]
    assert [share for _, share in table["values"]] == pytest.approx(shares)
    assert [images for images, _ in table["values"]] == [
        int((labels == k).any((1, 2)).sum()) for k in range(len(data.class_names))
    ]
    assert shown["images"] == len(labels)


def test_masks_of_training_images_have_the_images_names_sizes_and_tags(pictures, folder, tmp_path, capsys):
    target = tmp_path / "masks"
    assert main([str(pictures.directory), "--masks", str(target), "--training-images", "--batch-size", "3"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == f"7 masks with values from 0 to 2, the classes in this order, written to {target}"
    found, data = masks_below(target), pictures.data
    assert found.keys() == {data.names[row] for row in data.train}
    assert any("/" in name for name in found)
    for row in data.train:
        name = data.names[row]
        with Image.open(folder / "images" / f"{name}.png") as picture:
            assert found[name].shape == (picture.height, picture.width)
        assert set(np.unique(found[name])) <= {0, *(1 + np.flatnonzero(data.tags[row]))}
        assert found[name].any()


def labelled(run, rows, threshold):
    """Return the labels of some images by their refined maps of the tags they have, above a threshold."""
    x, tags = (torch.from_numpy(values[rows]) for values in (run.data.images / np.float32(255), run.data.tags))
    with torch.no_grad():
        best = seeds(run.model.eval(), x, [1.0], False).among(tags)["refined"].max(1)
    return ((best.indices + 1) * (best.values > threshold)).numpy()


def test_without_a_mask_to_choose_by_the_fixed_threshold_makes_them(pictures):
    (block,) = pictures.label_maps(of_training=True)
    assert block.rows.tolist() == pictures.data.train.tolist()
    assert np.array_equal(block.labels, labelled(pictures, pictures.data.train, 0.2))


def test_they_have_the_threshold_that_is_best_on_validation_images_with_their_tags(canvases):
    data, classes = canvases.data, len(canvases.data.class_names)
    thresholds = canvases.evaluator.thresholds().numpy()
    tried = [labelled(canvases, data.validation, threshold) for threshold in thresholds]
    best = thresholds[np.argmax([mean_iou(data.masks[data.validation], labels, classes) for labels in tried])]
    made = np.concatenate([block.labels for block in canvases.label_maps(of_training=True)])
    assert np.array_equal(made, labelled(canvases, data.train, best))
    assert best != pytest.approx(canvases.choices["threshold_refined"])  # which is best with the tags that are found


def test_a_second_network_learns_from_them(pictures, folder, tmp_path):
    """What one run writes is a data set of another: images with masks of the classes."""
    assert main([str(pictures.directory), "--masks", str(tmp_path / "masks"), "--training-images"]) == 0
    (tmp_path / "images" / "deep").mkdir(parents=True)
    for row in pictures.data.train:
        name = f"{pictures.data.names[row]}.png"
        (tmp_path / "images" / name).write_bytes((folder / "images" / name).read_bytes())
    options = (
        "dataset=image_folder",
        f"dataset.root='{tmp_path}'",
        CLASSES,
        "dataset.side=24",
        SHARES,
    )
    records = load(config_of(tmp_path, "model=baseline_cnn_small", "trainer=nn", *options).dataset)
    (block,) = pictures.label_maps(of_training=True)
    named = {pictures.data.names[row]: labels for row, labels in zip(block.rows, block.labels.numpy(), strict=True)}
    for name, labels in zip(records.names, records.labels, strict=True):
        assert np.array_equal(labels, named[name]), name


def copies(run, rows, source, target):
    """Copy pictures of a run into a new folder."""
    for row in rows:
        name = f"{run.data.names[row]}.png"
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes((source / "images" / name).read_bytes())


def test_pictures_of_which_nothing_is_known_have_the_masks_of_the_same_test_images(pictures, folder, tmp_path):
    copies(pictures, pictures.data.test, folder, tmp_path / "unknown")
    for name, more in (("one", []), ("two", ["--pictures", str(tmp_path / "unknown")])):
        assert main([str(pictures.directory), "--masks", str(tmp_path / name), *more]) == 0
    one, two = masks_below(tmp_path / "one"), masks_below(tmp_path / "two")
    assert one.keys() == two.keys() == {pictures.data.names[row] for row in pictures.data.test}
    assert all(np.array_equal(one[name], two[name]) for name in one)
    with pytest.raises(RunError, match="none are for training"):
        pictures.with_pictures(tmp_path / "unknown").label_maps(of_training=True)


def test_a_predictor_labels_pictures_of_which_nothing_is_known(folder, tmp_path):
    masks = tmp_path / "mine" / "masks"
    random = np.random.default_rng(0)
    (tmp_path / "mine" / "images" / "deep").mkdir(parents=True)
    for path in sorted((folder / "images").rglob("*.png")):
        name = path.relative_to(folder / "images")
        (tmp_path / "mine" / "images" / name).write_bytes(path.read_bytes())
        (masks / name).parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as picture:
            Image.fromarray(random.integers(0, 3, (picture.height, picture.width), dtype=np.uint8)).save(masks / name)
    settings = [setting for setting in RUNS["segmentation"] if not setting.startswith(("model", "dataset"))]
    data = ("dataset=image_folder", f"dataset.root='{tmp_path / 'mine'}'", CLASSES, "dataset.side=32", SHARES)
    directory = finished(
        tmp_path / "outputs", *settings, *QUIET, "model=baseline_cnn_small", *data, "runtime.device=cpu"
    )
    run = open_run(directory)
    copies(run, run.data.test, tmp_path / "mine", tmp_path / "unknown")
    (expected,), (found,) = run.label_maps(), run.with_pictures(tmp_path / "unknown").label_maps()
    assert np.array_equal(found.labels, expected.labels)


@pytest.mark.parametrize(
    "model", ["baseline_cnn_small", pytest.param("cvae_segmentation_small", marks=pytest.mark.slow)]
)
def test_label_maps_of_a_predictor_are_those_that_were_measured(model, tmp_path, capsys):
    settings = [setting for setting in RUNS["segmentation"] if not setting.startswith("model")]
    directory = finished(tmp_path, *settings, *QUIET, f"model={model}", "dataset.cache=null", "runtime.device=cpu")
    run = open_run(directory)
    assert main([str(directory), "--masks", str(tmp_path / "masks")]) == 0
    found, test = masks_below(tmp_path / "masks"), run.data.test
    right = [100 * np.mean(found[f"{row:06d}"] == run.data.labels[row]) for row in test]
    assert len(found) == len(test)
    assert np.mean(right) == pytest.approx(run.result.metrics["test/pixel_accuracy"], abs=1e-4)
    capsys.readouterr()
    assert main([str(directory), "--masks", str(tmp_path / "more"), "--training-images"]) == 2
    assert "training images have masks, from which the model learned" in capsys.readouterr().err
    assert not (tmp_path / "more").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--masks", "there"), "there: exists already and is not overwritten; choose another folder"),
        (("--masks", "x", "--predictions", "x.csv"), "nothing is scored, and --predictions has no effect"),
        (("--masks", "x", "evaluator.threshold=0.5"), "and evaluator.threshold=0.5 has no effect; leave it out"),
        (("--masks", "x", "--generate", "x.npz"), "has no effect; leave it out"),
        (("--training-images",), "--training-images: has an effect only with --masks"),
        (("--masks", "x", "--pictures", "nix"), "--pictures: nix: no such folder; check the path"),
        (("--masks", "x", "--pictures", "there", "--training-images"), "leave --training-images out"),
        (("--masks", "x", "--pictures", "there"), "data set tagged_canvas_embedded is not read from picture files"),
        (("--masks", "there/file/x"), "there/file is a file; expected a folder"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(canvases, tmp_path, monkeypatch, capsys, arguments, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    assert code_of(main, [str(canvases.directory), *arguments]) == 2
    assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_disk_that_is_full_leaves_no_folder(canvases, tmp_path, monkeypatch, capsys):
    def full(self, *arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    assert main([str(canvases.directory), "--masks", str(tmp_path / "masks")]) == 1
    assert f"zsl-eval: {tmp_path}/masks/" in (told := capsys.readouterr().err)
    assert "cannot be written: No space left on device" in told
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_classes_of_pixels_is_refused(tmp_path, capsys):
    directory = finished(tmp_path, *CLOSED, "dataset=toy", "dataset.train_rows=20")
    assert main([str(directory), "--masks", str(tmp_path / "x")]) == 2
    assert "evaluator zsl finds no classes of pixels, so there are no masks" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_pictures_of_another_size_are_refused_where_none_are_resized(tmp_path):
    random = np.random.default_rng(0)
    for folder, side in (("images", 24), ("masks", 24), ("other", 25)):
        (tmp_path / folder).mkdir()
        for number in range(4):
            pixels = random.integers(0, 2 if folder == "masks" else 256, (24, side), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{number}.png")
    conf = ImageFolderConf(root=str(tmp_path), side=None, shares=[0.5, 0.25, 0.25])
    records = load(conf)
    with pytest.raises(DataError, match="expected pictures of 24 x 24 pixels, as those of the run are, found 25 x 24"):
        for_masks(conf, records, tmp_path / "other")
    with pytest.raises(DataError, match="nothing"):
        for_masks(conf, records, tmp_path / "nothing")
