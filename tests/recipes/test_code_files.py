"""Codes of images that `zsl-eval --codes` writes: those that were measured."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.exits import code_of
from tests.golden.runs import QUIET, RUNS
from tests.small_runs import CLOSED, finished
from zsl_runner.evaluate.cli import main
from zsl_runner.runs.opened import open_run

PLAIN = [*QUIET, "runtime.device=cpu"]


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory):
    return open_run(finished(tmp_path_factory.mktemp("codes"), *RUNS["aae_adam"], *PLAIN))


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    return open_run(finished(tmp_path_factory.mktemp("codes"), *RUNS["capacity"], *PLAIN))


def content(path):
    with np.load(path) as arrays:
        return dict(arrays)


def test_predicted_classes_of_a_file_have_the_error_that_was_measured(autoencoder, tmp_path, capsys):
    assert main([str(autoencoder.directory), "--codes", str(tmp_path / "codes.npz"), "--json"]) == 0
    shown, made, data = json.loads(capsys.readouterr().out), content(tmp_path / "codes.npz"), autoencoder.data
    assert made.keys() == {"z", "y", "rows", "labels"}
    assert shown["widths"] == {"z": made["z"].shape[1], "y": len(data.class_names)}
    assert made["rows"].tolist() == data.test.tolist()
    assert made["labels"].tolist() == [data.class_names[label] for label in data.labels[data.test]]
    found = np.array(data.class_names)[made["y"].argmax(1)]
    assert 100 * np.mean(found != made["labels"]) == pytest.approx(autoencoder.result.metrics["test/error"])
    assert not (autoencoder.directory / "evaluations").exists()


def test_categories_that_training_images_name_have_the_accuracy_that_was_measured(joint, tmp_path, capsys):
    for name, more in (("test.npz", []), ("training.npz", ["--training-images", "--batch-size", "7"])):
        assert main([str(joint.directory), "--codes", str(tmp_path / name), *more]) == 0
    width, data = joint.model.conf.continuous, joint.data
    rows = f"{len(data.train):,} images, written to {tmp_path / 'training.npz'}"
    assert capsys.readouterr().out.splitlines()[-1] == f"means of width {width} and categories of width 1 of {rows}"
    training, test = content(tmp_path / "training.npz"), content(tmp_path / "test.npz")
    assert training["rows"].tolist() == data.train.tolist()
    named = {}
    for category in np.unique(training["categories"]):
        names, counts = np.unique(training["labels"][training["categories"][:, 0] == category], return_counts=True)
        named[category] = names[counts.argmax()]
    found = [named.get(category) for category in test["categories"][:, 0]]
    assert 100 * np.mean(np.array(found) == test["labels"]) == pytest.approx(
        joint.result.metrics["test/accuracy_majority"]
    )
    assert np.array_equal(test["means"], joint.codes().values["means"])


@pytest.mark.parametrize("kind", ["image_classes", "unlabelled_images"])
def test_codes_of_own_pictures_stand_beside_their_names(kind, tmp_path):
    random = np.random.default_rng(0)
    for number in range(10):
        folder = tmp_path / "mine" / ("cat" if number % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (32, 32), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    of_images = [setting for setting in RUNS["capacity"] if not setting.startswith("dataset")]
    data = [f"dataset={kind}", f"dataset.root='{tmp_path / 'mine'}'", "dataset.side=32", "dataset.shares=[0.6,0.2,0.2]"]
    directory = finished(tmp_path / "outputs", *of_images, *data, *PLAIN, "trainer.batch_size=4")
    assert main([str(directory), "--codes", str(tmp_path / "codes.npz"), "--training-images"]) == 0
    made, records = content(tmp_path / "codes.npz"), open_run(directory).data
    assert made["images"].tolist() == [records.names[row] for row in records.train]
    assert all((tmp_path / "mine" / name).is_file() for name in made["images"])
    if kind == "image_classes":
        assert made["labels"].tolist() == [name.partition("/")[0] for name in made["images"]]
    else:
        assert "labels" not in made
    unknown = tmp_path / "unknown"
    names = [records.names[row] for row in np.sort(records.test)]
    for name in names:
        (unknown / name).parent.mkdir(parents=True, exist_ok=True)
        (unknown / name).write_bytes((tmp_path / "mine" / name).read_bytes())
    assert main([str(directory), "--codes", str(tmp_path / "test.npz")]) == 0
    assert main([str(directory), "--codes", str(tmp_path / "unknown.npz"), "--pictures", str(unknown)]) == 0
    known, found = content(tmp_path / "test.npz"), content(tmp_path / "unknown.npz")
    assert found.keys() == {"means", "categories", "rows", "images"}
    assert found["images"].tolist() == names
    assert np.array_equal(found["means"], known["means"][np.argsort(known["rows"])])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--codes", "x.csv"), "--codes: expected a file that ends in .npz, found x.csv"),
        (("--codes", "there.npz"), "there.npz: exists already and is not overwritten"),
        (("--codes", "x.npz", "--masks", "x"), "has no effect; leave it out"),
        (("--codes", "x.npz", "evaluator.every=5"), "nothing is scored, and evaluator.every=5 has no effect"),
        (("--masks", "x"), "evaluator autoencoding finds no classes of pixels"),
        (("--training-images",), "--training-images: has an effect only with --masks or --codes"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    autoencoder, tmp_path, monkeypatch, capsys, arguments, told
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.npz").touch()
    assert code_of(main, [str(autoencoder.directory), *arguments]) == 2
    assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["there.npz"]


def test_a_model_without_codes_is_refused(tmp_path, capsys):
    directory = finished(tmp_path, *CLOSED, "dataset=toy", "dataset.train_rows=20")
    assert main([str(directory), "--codes", str(tmp_path / "x.npz")]) == 2
    assert "evaluator zsl knows of no codes of images" in capsys.readouterr().err
    assert not (tmp_path / "x.npz").exists()
