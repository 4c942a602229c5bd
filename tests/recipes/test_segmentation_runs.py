"""Whole runs that label pixels: digit canvases and a folder of images, with figures, resumed, and refused."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.recipes.comparison import same_end, straight_run
from tests.results import recorded

SMALL = [
    "evaluator=segmentation",
    "trainer.epochs=4",
    "trainer.batch_size=8",
    "trainer.omission=0.4",
    "evaluator.samples=3",
    "evaluator.validation_samples=2",
    "evaluator.drawn_samples=3",
    "tracker.progress=none",
    "tracker.log_every=3",
]
CANVASES = [
    "dataset=digit_canvas_embedded",
    "dataset.train=32",
    "dataset.validation=6",
    "dataset.test=6",
    "dataset.cache=null",
    "dataset.flip=true",
    "model=cvae_segmentation_small",
    "trainer=hybrid",
    "checkpoint.every=3",
    "tracker.tensorboard=false",
    *SMALL,
]


@pytest.fixture(scope="module")
def straight(tmp_path_factory, launch):
    return straight_run(tmp_path_factory, launch, *CANVASES)


def test_a_run_measures_and_draws(straight):
    result = recorded(straight)
    assert result["metrics"].keys() >= {"test/NCLL_IS", "test/pixel_accuracy", "test/IoU", "test/hidden_IoU_refined"}
    assert 0 <= result["metrics"]["test/pixel_accuracy"] <= 100
    assert result["selection"]["metric"] == "val/pixel_accuracy"
    assert result["quantities"]["IoU"]["unit"] == "per cent"
    assert result["data"]["kind"] == "generated"
    names = {path.name for path in (straight / "figures").iterdir()}
    assert names >= {"masks.png", "partly_hidden.png", "likelihood_curve.png"}


@pytest.mark.slow
def test_a_killed_run_continues_to_the_same_bits(straight, tmp_path, kill_at, zsl_run):
    folder = tmp_path / "outputs/cvae_segmentation_small/digit_canvas_embedded/killed"
    directory = kill_at(6, folder, *CANVASES)
    zsl_run(f"resume={directory}")
    same_end(straight, directory)


@pytest.fixture
def pictures(tmp_path):
    """Ten images of 40 x 32 pixels with a bright disc, and its mask; return the folder."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:32, :40]
    for folder in ("images", "masks"):
        (tmp_path / "mine" / folder).mkdir(parents=True)
    for number in range(10):
        centre = generator.uniform((8, 8), (24, 32))
        mask = ((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < 49).astype(np.uint8)
        image = np.clip(generator.normal(80, 20, size=(32, 40, 3)) + 120 * mask[:, :, None], 0, 255)
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / f"mine/images/{number}.png")
        Image.fromarray(mask).save(tmp_path / f"mine/masks/{number}.png")
    return tmp_path / "mine"


def folder_run(folder):
    shares = ["dataset.shares=[0.6,0.2,0.2]", "dataset.side=32", "tracker.figures=false"]
    model = ["model=baseline_cnn_small", "trainer=nn", "trainer.epochs=1"]
    return ["dataset=image_folder", f"dataset.root={folder}", "dataset.name=mine", *shares, *SMALL, *model]


def test_a_folder_of_images_runs(pictures, tmp_path, zsl_run):
    zsl_run(*folder_run(pictures))
    (found,) = (tmp_path / "outputs/baseline_cnn_small/mine").glob("*/result.json")
    result = json.loads(found.read_text())
    assert result["status"] == "complete"
    assert result["data"]["semantics"] == "masks of 2 classes: background, foreground"


def test_an_image_and_a_mask_of_different_size_stop_a_run(pictures, zsl_run):
    Image.new("L", (39, 32)).save(pictures / "masks/3.png")
    done = zsl_run(*folder_run(pictures), code=1)
    assert f"{pictures / 'masks/3.png'}: expected a mask of 40 x 32 pixels" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mask_with_more_classes_stops_a_run(pictures, zsl_run):
    Image.new("L", (40, 32), 2).save(pictures / "masks/5.png")
    done = zsl_run(*folder_run(pictures), code=1)
    assert f"{pictures / 'masks/5.png'}: expected labels 0..1 or 255 (void) for 2 classes, found [2]" in done.stderr


def test_a_class_that_is_void_everywhere_stops_a_run_before_it_trains(pictures, zsl_run, tmp_path):
    for path in (pictures / "masks").iterdir():
        Image.fromarray(np.asarray(Image.open(path)) * 255).save(path)
    done = zsl_run(*folder_run(pictures), code=1)
    assert (
        f"{pictures / 'masks'}: expected pixels of every class of dataset.classes in the training masks" in done.stderr
    )
    assert "found none of foreground (the masks hold the values 0, 255); dataset.void=255 counts nowhere" in done.stderr
    (found,) = (tmp_path / "outputs/baseline_cnn_small/mine").glob("*/result.json")
    assert json.loads(found.read_text())["metrics"] == {}
    zsl_run(*folder_run(pictures), "dataset.threshold=127", "dataset.void=null", "name=mended")


@pytest.mark.slow
def test_what_is_doubtful_about_the_data_stands_once_in_the_result_also_after_a_resume(
    pictures, tmp_path, kill_at, zsl_run
):
    drawn = np.random.default_rng(0).permutation(10)  # split_seed=0
    for number in drawn[6:8]:
        Image.new("L", (40, 32)).save(pictures / f"masks/{number}.png")
    expected = ["No pixel of foreground is in the validation masks."]
    options = [*folder_run(pictures), "trainer.batch_size=2", "trainer.epochs=40", "checkpoint.every=3"]
    directory = kill_at(6, tmp_path / "outputs/baseline_cnn_small/mine/killed", *options)
    assert recorded(directory)["warnings"] == expected
    done = zsl_run(f"resume={directory}")
    assert recorded(directory)["warnings"] == expected
    assert f"WARNING: {expected[0]}" in done.stdout


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (["dataset.side=36"], "divides sides by 8, which images of 36 x 36 pixels do not allow"),
        (["evaluator.samples=0"], "evaluator.samples"),
        (["model=baseline_cnn_small"], "trainer=cvae calls what model=baseline_cnn does not offer"),
        (["dataset=digits"], "needs what dataset=digits does not offer"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_run(changes, expected, zsl_run, tmp_path):
    done = zsl_run(*[argument for argument in CANVASES if "dataset." not in argument], *changes, code=2)
    assert expected in done.stderr
    assert not (tmp_path / "outputs").exists()
