"""Whole runs of class maps from masks: what they call their metrics, killed and resumed, scored again, and refused."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.golden.runs import RUNS
from tests.recipes.comparison import same_end, straight_run
from tests.results import recorded

SMALL = [
    *RUNS["mask_supervision"],
    "dataset.cache=null",
    "checkpoint.every=3",
    "tracker.progress=none",
    "tracker.figures=false",
    "evaluator.oracle=true",
]
FOLDER = [
    *(setting for setting in SMALL if not setting.startswith("dataset")),
    "dataset=tagged_folder",
    "dataset.root=.",
    "dataset.side=32",
    "dataset.classes=[background,cat]",
    "dataset.shares=[0.5,0.25,0.25]",
]


@pytest.fixture(scope="module")
def straight(tmp_path_factory, launch):
    return straight_run(tmp_path_factory, launch, *SMALL)


def test_every_metric_of_test_rows_is_a_bound_by_name(straight, zsl_run):
    result = recorded(straight)
    assert result["metrics"].keys() >= {
        *("oracle/mIoU_plain", "oracle/mIoU_refined", "oracle/tag_exact_match", "oracle/mIoU_all_background"),
        *("oracle/mIoU_refined_true_tags", "oracle/best_mIoU_fixed_refined"),
    }
    assert all(name.startswith("oracle/") for name in result["metrics"])
    assert "test/" not in (straight / "metrics.csv").read_text()
    assert result["setting"]["kind"] == "fully supervised, training masks"
    assert any("Training saw the masks" in warning for warning in result["warnings"])
    assert result["selection"]["metric"] == "val/mIoU_refined"
    scores = json.loads(zsl_run(str(straight), "--json", module="zsl_runner.evaluate.cli").stdout)
    assert scores["metrics"].items() <= result["metrics"].items()
    assert "oracle/mIoU_refined" in scores["metrics"]


def test_its_table_says_what_it_is(straight, zsl_run):
    done = zsl_run(str(straight), module="zsl_runner.report.cli")
    assert "fully supervised, training masks" in done.stdout
    assert "oracle mIoU_refined" in done.stdout


@pytest.mark.slow
def test_a_killed_run_continues_to_the_same_bits(straight, tmp_path, kill_at, zsl_run):
    directory = kill_at(9, tmp_path / "outputs/class_maps/tagged_canvas_embedded/killed", *SMALL)
    zsl_run(f"resume={directory}")
    same_end(straight, directory)


def pictures(folder, masked):
    """Eight images with a cat in them, and masks of some."""
    for below in ("images", "masks"):
        (folder / below).mkdir()
    image, mask = np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32), np.uint8)
    image[8:20, 8:20], mask[8:20, 8:20] = 200, 1
    for number in range(8):
        image[0, number] = 99
        Image.fromarray(image).save(folder / f"images/cat{number}.png")
        if number in masked:
            Image.fromarray(mask).save(folder / f"masks/cat{number}.png")
    (folder / "tags.txt").write_text("".join(f"cat{number},cat\n" for number in range(8)))


def test_images_without_masks_are_refused(tmp_path, zsl_run):
    pictures(tmp_path, masked=range(8))
    done = zsl_run(*FOLDER, code=2)
    assert "conf/trainer/mask_supervision.yaml)" in done.stderr  # not what set one of its values
    assert "learns from masks of the training images, and dataset.masks names none" in " ".join(done.stderr.split())
    assert not (tmp_path / "outputs").exists()


def test_a_training_image_without_a_mask_is_named_before_training(tmp_path, zsl_run):
    pictures(tmp_path, masked=())
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(tmp_path / "masks/cat0.png")
    done = zsl_run(*FOLDER, "dataset.masks=masks", code=1)
    assert "expected a mask with a pixel that counts for each training image" in done.stderr
    assert "Add the masks, leave these images out" in done.stderr
    assert not list((tmp_path / "outputs").rglob("*.pt"))
