"""Whole runs of pixel-to-prototype contrast: what they measure and draw, killed and resumed, and what is refused."""

import json

import pytest

from tests.golden.runs import RUNS
from tests.recipes.comparison import same_end, straight_run
from tests.results import recorded
from tests.slow import slow_if

SMALL = [
    *(setting for setting in RUNS["prototype_contrast"] if not setting.startswith("trainer.c")),
    "trainer.classify.steps=8",
    "trainer.contrast.steps=8",
    "dataset.cache=null",
    "dataset.flip=true",
    "checkpoint.every=3",
    "tracker.tensorboard=false",
    "tracker.progress=none",
    "tracker.log_every=3",
]


@pytest.fixture(scope="module")
def straight(tmp_path_factory, launch):
    return straight_run(tmp_path_factory, launch, *SMALL)


def test_a_run_measures_and_draws(straight):
    result = recorded(straight)
    assert result["metrics"].keys() >= {
        *("test/mIoU_plain", "test/mIoU_refined", "test/mIoU_fixed_refined", "test/mIoU_images_plain"),
        *("test/tag_accuracy", "test/tag_exact_match", "test/mIoU_all_background"),
    }
    assert result["selection"]["metric"] == "val/mIoU_refined"
    assert result["quantities"]["mIoU_refined"]["unit"] == "per cent"
    assert result["setting"]["kind"] == "weakly supervised, tags"
    assert {path.name for path in (straight / "figures").iterdir()} >= {
        f"{name}.png" for name in ("class_maps", "affinity", "prototypes", "pixels", "thresholds")
    }
    rows = (straight / "metrics.csv").read_text()
    assert "train/classify/tags" in rows
    assert "train/contrast/cross_prototype" in rows


@pytest.mark.parametrize("step", slow_if([4], [4, 11]))
def test_a_killed_run_continues_to_the_same_bits(step, straight, tmp_path, kill_at, zsl_run):
    folder = tmp_path / "outputs/class_maps/tagged_canvas_embedded/killed"
    directory = kill_at(step, folder, *SMALL, "tracker.figures=false")
    zsl_run(f"resume={directory}")
    same_end(straight, directory)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["trainer.prototypes.pixels=161"], "expected at most 160, all pixels of a batch on a grid of 16 cells"),
        (["trainer.view_scale=0.05"], "makes views of 2 pixels of images of 32"),
        (["trainer.mining.last=1"], "expected more than dropped=1"),
        (["evaluator.scales=[1.0,0.05]"], "0.05 makes images of 32 pixels 2 wide, less than the network's stride"),
        (["dataset.digits=[0,2]"], "expected at least one digit on each canvas"),
        (["trainer=capacity"], "joint_code"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(settings, expected, tmp_path, zsl_run):
    kept = [setting for setting in SMALL if settings != ["trainer=capacity"] or not setting.startswith("trainer.")]
    done = zsl_run(*kept, *settings, code=2)
    assert expected in done.stderr
    assert not (tmp_path / "outputs").exists()


def test_data_with_masks_alone_are_refused(tmp_path, zsl_run):
    done = zsl_run("model=class_maps", "dataset=digit_canvas_embedded", code=2)
    assert "tags" in done.stderr
    assert not (tmp_path / "outputs").exists()


def test_an_arm_begins_with_the_weights_of_an_earlier_run(straight, tmp_path, zsl_run):
    """With steps that change nothing the weights are those of the run, and so is every metric."""
    still = ["trainer.classify.steps=0", "trainer.contrast.steps=1", "trainer.backbone.lr=0", "trainer.heads.lr=0"]
    still += ["tracker.figures=false", "trainer.contrast.frozen_statistics=true", "name=arm"]
    zsl_run(*SMALL, *still, f"model.weights={straight}")
    (found,) = (tmp_path / "outputs").rglob("result.json")
    metrics, before = (json.loads(path.read_text())["metrics"] for path in (found, straight / "result.json"))
    assert {name: metrics[name] for name in before if name.startswith("test/")} == {
        name: value for name, value in before.items() if name.startswith("test/")
    }


def test_weights_that_are_not_there_are_refused(tmp_path, zsl_run):
    done = zsl_run(*SMALL, "model.weights=nowhere.pt", code=2)
    assert "model.weights" in done.stderr
    assert "found nothing at" in done.stderr
    assert not (tmp_path / "outputs").exists()
