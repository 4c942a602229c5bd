"""Images of drawn codes that `zsl-eval --samples` writes."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from tests.exits import code_of
from tests.golden.runs import QUIET, RUNS
from tests.small_runs import CLOSED, config_of, finished
from zsl_runner.data.load import load
from zsl_runner.evaluate.cli import main
from zsl_runner.runs.opened import open_run
from zsl_runner.streams import Streams, derived_seed

PLAIN = [*QUIET, "runtime.device=cpu"]
NO_LABELS = [setting for setting in RUNS["aae_adam"] if not setting.startswith(("model=", "dataset.labelled"))]
SUPERVISED = ["model=aae/supervised", *(setting for setting in NO_LABELS if ".semi." not in setting)]
OF_LABELS = ["model=cvae_images", "dataset=digits_images", "model.hidden=[8]", "trainer.epochs=1"]
QUADRANTS = ["model=baseline_nn", "dataset=digits_quadrant", "model.hidden=[8]", "trainer.epochs=1"]
PICTURES = ["dataset=image_classes", "dataset.side=null", "dataset.colour=false", "dataset.shares=[0.5,0.25,0.25]"]


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    return open_run(finished(tmp_path_factory.mktemp("samples"), *RUNS["capacity"], *PLAIN))


@pytest.fixture(scope="module")
def supervised(tmp_path_factory):
    return open_run(finished(tmp_path_factory.mktemp("samples"), *SUPERVISED, *PLAIN))


def pixels(path):
    with Image.open(path) as picture:
        assert picture.mode == "L"
        return np.asarray(picture)


def as_bytes(images):
    return (255 * images.clamp(0, 1)).round().byte()[:, 0].numpy()


def drawn(seed=0):
    """Return what a run draws its samples from."""
    return Streams(derived_seed(seed, "opened_run"), torch.device("cpu"))["samples"]


def test_a_model_without_classes_makes_images_of_its_prior(joint, tmp_path, capsys):
    folder = tmp_path / "made"
    assert main([str(joint.directory), "--samples", str(folder), "--per-class", "7", "--seed", "3", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["images"], shown["classes"], shown["seed"]) == (7, [], 3)
    found = [pixels(path) for path in sorted(folder.iterdir())]
    codes = joint.model.prior_code(7, drawn(3))
    with torch.no_grad():
        assert np.array_equal(found, as_bytes(joint.model.eval().decode(codes).sigmoid()))
    assert [path.name for path in sorted(folder.iterdir())][-1] == "000006.png"
    assert not (joint.directory / "evaluations").exists()


def test_a_decoder_that_sees_labels_makes_images_of_each_class(supervised, tmp_path, capsys):
    folder = tmp_path / "made"
    assert main([str(supervised.directory), "--samples", str(folder), "--per-class", "3", "--batch-size", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"30 images of 10 classes, written to {folder}"
    names, model, generator = supervised.data.class_names, supervised.model.eval(), drawn()
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    for label, name in enumerate(names):
        z = model.prior.sample(3, generator)
        torch.randint(10, (3,), generator=generator)  # a label is drawn also where it is given
        with torch.no_grad():
            made = model.decode(z, torch.eye(10)[[label] * 3]).reshape(3, 1, *supervised.data.images.shape[2:])
        assert np.array_equal([pixels(folder / name / f"{number:06d}.png") for number in range(3)], as_bytes(made))


def test_a_model_of_categories_that_are_classes_makes_images_of_each(tmp_path):
    run = open_run(finished(tmp_path, *RUNS["aae_adam"], *PLAIN))
    blocks = list(run.samples(2))
    assert [block.label for block in blocks] == list(range(10))
    generator = drawn()
    z = run.model.prior.sample(2, generator)
    with torch.no_grad():
        made = run.model.eval().decode(z, torch.eye(10)[[0, 0]])
    assert torch.equal(blocks[0].images.flatten(1), made)


@pytest.mark.parametrize("trainer", ["cvae", "nn"])
def test_a_model_whose_inputs_are_labels_makes_images_of_each(trainer, tmp_path):
    run = open_run(finished(tmp_path / "outputs", *OF_LABELS, f"trainer={trainer}", *PLAIN))
    assert main([str(run.directory), "--samples", str(tmp_path / "made"), "--per-class", "4"]) == 0
    conf = config_of(tmp_path, "model=aae/basic", *PICTURES, f"dataset.root='{tmp_path / 'made'}'").dataset
    data = load(conf)
    assert data.class_names == run.data.class_names
    (block, *_) = run.samples(4)
    assert main([str(run.directory), "--samples", str(tmp_path / "one"), "--per-class", "4", "--batch-size", "3"]) == 0
    for path in (tmp_path / "made").rglob("*.png"):  # however many are made at a time
        assert (
            np.abs(pixels(path) - pixels(tmp_path / "one" / path.relative_to(tmp_path / "made")).astype(int)).max() <= 1
        )
    own = [row for row, label in enumerate(data.labels) if label == 0]
    assert np.array_equal(data.images[own, 0], as_bytes(block.images))
    assert (len(np.unique(block.images, axis=0)) == 1) == (trainer == "nn")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--samples", "there"), 2, "there: exists already and is not overwritten; choose another folder"),
        (("--samples", "x", "--codes", "x.npz"), 2, "has no effect; leave it out"),
        (("--samples", "x", "evaluator.every=5"), 2, "nothing is scored, and evaluator.every=5 has no effect"),
        (("--samples", "x", "--per-class", "0"), 2, "--per-class: expected a number of rows, found 0"),
        (("--per-class", "5"), 2, "--per-class: has an effect only with --generate or --samples"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    joint, tmp_path, monkeypatch, capsys, arguments, code, told
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    assert code_of(main, [str(joint.directory), *arguments]) == code
    assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.parametrize("settings", [[*CLOSED, "dataset=toy", "dataset.train_rows=20"], [*QUADRANTS, *PLAIN]])
def test_a_model_that_makes_no_images_of_codes_is_refused(settings, tmp_path, capsys):
    directory = finished(tmp_path, *settings)
    assert main([str(directory), "--samples", str(tmp_path / "x")]) == 2
    assert "knows of no images that the model makes of drawn codes" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
