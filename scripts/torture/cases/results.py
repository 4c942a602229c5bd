"""Cases in which a wrong result was silent."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from scripts.torture import inputs
from scripts.torture.cases.runs import SMALL, STEPS, killed, refused, run_once, runs
from scripts.torture.children import Place, expected
from scripts.torture.comparing import checkpoints, fingerprint, record_of, require_same_end, rows_of
from scripts.torture.hooks import signalled_at_step, signalled_in_the_test, without_privileges
from scripts.torture.loading import loaded
from scripts.torture.verdict import require


def two_folders_of_one_name(place: Place) -> None:
    """A sweep over two folders of features with one name makes two runs with the metrics of each."""
    folders = []
    for name in ("one", "two"):
        features, splits = inputs.feature_arrays()
        if name == "two":
            features["features"][3] = 0
        folders.append(inputs.write_features(place.folder / name, features, splits))
    common = ("dataset=xlsa17", "dataset.name=mine", "model=eszsl", "tracker.figures=false")
    alone = []
    for folder in folders:
        expected(place.run("zsl-run", *common, f"dataset.root={folder}", f"outputs=alone-{folder.name}"), 0)
        alone.append(record_of(runs(place, f"alone-{folder.name}")[0]))
    expected(place.run("zsl-run", "-m", *common, f"dataset.root={folders[0]},{folders[1]}"), 0)
    found = [record_of(directory)["metrics"] for directory in runs(place)]
    require(len(found) == 2, "silent", f"{len(found)} runs in place of two")
    for record in alone:
        require(record["metrics"] in found, "silent", f"no run of the sweep has {record['metrics']}")


def an_edited_configuration(place: Place) -> None:
    """A run whose configuration was edited after the stop is not continued, and the keys that differ are named."""
    directory = killed(place, *SMALL, "trainer.em.iterations=2000")
    file = directory / "config.yaml"
    text = file.read_text()
    for old, new, key in (
        ("\nseed: 0\n", "\nseed: 1\n", "seed"),
        ("iterations: 2000", "iterations: 300", "iterations"),
        ("    lr: 0.001", "    lr: 0.002", "lr"),
    ):
        require(text.count(old) >= 1, "other", f"config.yaml has no {old!r}")
        file.write_text(text.replace(old, new))
        before = fingerprint(directory)
        refused(place.run("zsl-run", f"resume={directory}"), key)
        after = {name: value for name, value in fingerprint(directory).items() if name != ".lock"}
        before.pop(".lock", None)
        require(after == before, "other", f"resume changed {set(after.items()) ^ set(before.items())}")


def a_flipped_bit(place: Place) -> None:
    """A checkpoint with one changed byte is passed over for the one before it, and the run says so."""
    straight = run_once(place, *SMALL, "name=straight")
    for part in (0.25, 0.5, 0.75):
        directory = killed(place, *SMALL, f"name=flipped-{int(100 * part)}")
        newest = checkpoints(directory)[-1]
        content = bytearray(newest.read_bytes())
        content[int(part * len(content))] ^= 0x10
        newest.write_bytes(bytes(content))
        done = expected(place.run("zsl-run", f"resume={directory}"), 0)
        require(newest.name in done.text, "silent", f"nothing is said of {newest.name}: {done.text[-300:]}")
        require_same_end(straight, directory, events=False)


def a_class_without_pixels(place: Place) -> None:
    """Masks of 0 and 255 without a threshold: the foreground has no pixel, which is an error before training."""
    root = inputs.write_masked(place.folder / "pictures", value=255)
    done = place.run(
        "zsl-run",
        "model=cvae_segmentation_small",
        "dataset=image_folder",
        f"dataset.root={root}",
        "dataset.shares=[0.5,0.2,0.3]",
        "dataset.side=32",
        "trainer.epochs=2",
        "tracker.figures=false",
    )
    refused(done, "foreground", "void", "threshold")
    require(not list(place.home.rglob("step-*.pt")), "silent", "it was trained")


def a_hidden_folder(place: Place) -> None:
    """What a notebook leaves in hidden folders is no class and no picture."""
    root = inputs.write_pictures(place.folder / "pictures")
    for folder in (root / ".ipynb_checkpoints", root / "square" / ".ipynb_checkpoints"):
        folder.mkdir()
        (folder / "00-checkpoint.png").write_bytes((root / "bar" / "00.png").read_bytes())
    _described(place, root, "2 classes", "24 images")


def a_linked_class(place: Place) -> None:
    """A folder that is a link counts like any other."""
    root = inputs.write_pictures(place.folder / "pictures")
    other = inputs.write_pictures(place.folder / "elsewhere")
    (other / "bar").rename(root / "third")
    (root / "fourth").symlink_to(other / "square")
    _described(place, root, "4 classes", "48 images")


def _described(place: Place, root: Path, *words: str) -> None:
    done = expected(place.run("zsl-data", "describe", "image_classes", "--source", root), 0)
    missing = [word for word in words if word not in done.text]
    require(not missing, "silent", f"expected {missing}: {done.text[:300]}")


def deep_and_turned_pictures(place: Place) -> None:
    """Pictures of 16 bits and pictures turned by their orientation load as a viewer shows them."""
    plain = inputs.write_pictures(place.folder / "plain")
    deep = inputs.write_pictures(
        place.folder / "deep", save=lambda path, picture: Image.fromarray(picture.astype(np.uint16) * 257).save(path)
    )
    first, second = (loaded(place, "image_classes", f"root={root}", "side=32").values for root in (plain, deep))
    assert first is not None
    require(second is not None, "other", "pictures of 16 bits are refused")
    assert second is not None
    worst = np.abs(first["images"].astype(int) - second["images"].astype(int)).max()
    require(worst <= 1, "silent", f"pictures of 16 bits differ by up to {worst} of 255")

    turned = inputs.write_pictures(place.folder / "turned", ending="jpg", save=_with_orientation(6))
    found = loaded(place, "image_classes", f"root={turned}", "side=32").values
    require(found is not None, "other", "pictures with an orientation are refused")
    assert found is not None
    paths = sorted(turned.rglob("*.jpg"))
    shown = np.stack([np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB")) for path in paths])
    require(np.array_equal(shown.transpose(0, 3, 1, 2), found["images"]), "silent", "pictures lie on their side")


def _with_orientation(number: int) -> Callable[[Path, inputs.Bytes], None]:
    def save(path: Path, picture: inputs.Bytes) -> None:
        exif = Image.Exif()
        exif[0x0112] = number
        Image.fromarray(picture).convert("RGB").save(path, exif=exif, quality=95)

    return save


def turned_images_under_masks(place: Place) -> None:
    """An image turned by its orientation is turned as its file says, and its mask as its own."""
    root = place.folder / "pictures"
    draw = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number in range(12):
        image, mask = inputs.masked_pair(draw)
        _with_orientation(3)(root / "images" / f"{number:02d}.jpg", image)
        Image.fromarray(mask).transpose(Image.Transpose.ROTATE_180).save(root / "masks" / f"{number:02d}.png")
    found = loaded(place, "image_folder", f"root={root}", "shares=[0.5,0.25,0.25]", "side=null").values
    require(found is not None, "other", "images with an orientation are refused")
    assert found is not None
    for image, labels in zip(found["images"].mean(1), found["labels"], strict=True):
        contrast = image[labels == 1].mean() - image[labels == 0].mean()
        require(contrast > 100, "silent", f"the mask does not lie over its rectangle: contrast {contrast:.0f}")


def pictures_of_equal_names_and_sizes(place: Place) -> None:
    """Two sets of pictures that differ in their content alone get two tables."""
    common = (
        "model=joint_vae",
        "dataset=image_classes",
        "dataset.side=32",
        "trainer.epochs=1",
        "tracker.figures=false",
        "tracker.progress=none",
    )
    for name in ("one", "two"):
        root = place.folder / name

        def save(path: Path, picture: inputs.Bytes, name: str = name) -> None:
            inputs.save_png(path, picture if name == "one" else 255 - picture)

        inputs.write_pictures(root, 40, "bmp", save)
        run_once(place, *common, f"dataset.root={root}")
    done = expected(place.run("zsl-report", "outputs"), 0)
    tables = len(re.findall(r"^\| model", done.out, re.MULTILINE))
    require(tables == 2, "silent", f"{tables} table in place of two:\n{done.out}")


def scores_that_are_not_finite(place: Place) -> None:
    """A classifier that diverges is an error and no result by chance."""
    done = place.run(
        "zsl-run",
        "model=f_clswgan",
        "dataset=toy",
        "evaluator.classifier.lr=1e38",
        "model.hidden=16",
        "trainer.epochs=1",
        "trainer.epoch_steps=5",
        "trainer.evaluate_every=1",
        "evaluator.classifier.epochs=3",
        "tracker.figures=false",
        "evaluator.classifier.synthetic_per_class=20",
    )
    refused(done, "finite")


def test_rows_written_twice(place: Place) -> None:
    """Stopped in its last step and killed in its test, a run has its test rows once."""
    straight = run_once(place, *SMALL, "name=straight")
    done = place.run("zsl-run", *SMALL, "name=struck", hook=signalled_at_step(signal.SIGTERM, STEPS))
    require(done.code in (0, 143), "other", f"exit {done.code}: {done.text[-300:]}")
    directory = place.home / "outputs/sgal/toy/struck"
    place.run("zsl-run", f"resume={directory}", hook=signalled_in_the_test(signal.SIGKILL, after=True))
    expected(place.run("zsl-run", f"resume={directory}"), 0)
    tests = [row for row in rows_of(directory) if row[-2].startswith("test/")]
    require(len(tests) == len(set(tests)), "silent", f"{len(tests)} test rows, {len(set(tests))} different ones")
    require_same_end(straight, directory)


def a_signal_in_the_test_of_a_sweep(place: Place) -> None:
    """A signal while a run of a sweep is tested stops the sweep; the same command goes on."""
    for number in (signal.SIGTERM, signal.SIGINT):
        command = ("-m", *SMALL, "seed=0,1", f"outputs=sweep-{number}")
        done = place.run("zsl-run", *command, hook=signalled_in_the_test(number))
        require(not done.broke, "traceback", done.text[-300:])
        states = [record_of(directory)["status"] for directory in runs(place, f"sweep-{number}")]
        require(states.count("complete") < 2, "silent", f"{signal.Signals(number).name} was swallowed: {states}")
        require(done.code != 0, "silent", f"exit 0 after {signal.Signals(number).name}")
        require("Repeat the command" in done.text, "other", f"it does not say how to go on: {done.text[-300:]}")
        expected(place.run("zsl-run", *command), 0)
        states = [record_of(directory)["status"] for directory in runs(place, f"sweep-{number}")]
        require(states == ["complete", "complete"], "lost", f"after the same command again: {states}")


def an_unreadable_folder_of_checkpoints(place: Place) -> None:
    """A folder of checkpoints that cannot be read is not an empty one."""
    directory = killed(place, *SMALL, "trainer.em.iterations=400")
    before = (directory / "metrics.csv").read_bytes()
    (directory / "checkpoints").chmod(0)
    try:
        done = place.run("zsl-run", f"resume={directory}", hook=without_privileges)
        refused(done, "checkpoints")
        require((directory / "metrics.csv").read_bytes() == before, "lost", "metrics.csv was changed")
    finally:
        (directory / "checkpoints").chmod(0o755)
