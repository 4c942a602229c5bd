"""Whole runs that complete images: one stage with validation and test, and features for unseen classes."""

import json
from pathlib import Path

import pytest
import torch

from tests.recipes.comparison import final_state, rows, same_end, straight_run
from tests.results import recorded
from tests.slow import slow_if

QUICK = [
    "dataset=digits_quadrant",
    "model=cvae_pairs",
    "model.latent_dim=4",
    "model.hidden=[16]",
    "trainer.epochs=4",
    "trainer.batch_size=100",
    "evaluator.samples=4",
    "evaluator.validation_samples=2",
    "tracker.log_every=7",
    "tracker.figures=false",
    "tracker.progress=none",
    "checkpoint.every=5",
]


@pytest.fixture(scope="module")
def straight(tmp_path_factory, launch):
    return straight_run(tmp_path_factory, launch, *QUICK)


def test_one_stage_validates_every_epoch_and_reads_the_test_rows_once(straight):
    tags = [row[-2] for row in rows(straight)]
    assert tags.count("val/NCLL") == 4
    assert tags.count("test/NCLL") == 1
    result = recorded(straight)
    assert result["setting"] == {"kind": "supervised"}
    assert result["quantities"]["NCLL"] == {"unit": "nats", "lower_is_better": True, "digits": 2, "ranked": True}
    assert result["selection"]["stage_lengths"] == {"fit": 48}
    metrics = result["metrics"]
    assert metrics["test/NCLL_ELBO"] > metrics["test/NCLL_IS"]
    assert metrics["test/NCLL"] == metrics["test/NCLL_IS"]
    assert metrics["test/NCLL_se"] > 0


def test_settings_are_chosen_without_a_look_at_the_test_rows(straight, tmp_path_factory, launch):
    tuned = straight_run(tmp_path_factory, launch, *QUICK, "evaluator.stages=[tune]")
    assert not [row for row in rows(tuned) if row[-2].startswith("test/")]
    result, whole = recorded(tuned), recorded(straight)
    assert result["metrics"] == {}
    assert result["validation"].keys() == whole["validation"].keys()
    assert result["selection"]["stage_lengths"] == {"tune": 48}


@pytest.mark.slow
@pytest.mark.parametrize("step", slow_if([10], [10, 35]))
def test_a_killed_run_continues_to_the_same_bits(straight, tmp_path, kill_at, zsl_run, step):
    directory = kill_at(step, tmp_path / "outputs/cvae/digits_quadrant/killed", *QUICK)
    zsl_run(f"resume={directory}")
    same_end(straight, directory)


OVERFITTED = [
    "dataset=digits_quadrant",
    "dataset.validation_rows=1390",
    "model=baseline_nn",
    "model.hidden=[128]",
    "trainer.epochs=100",
    "trainer.evaluate_every=20",
    "trainer.batch_size=110",
    "trainer.optim.lr=0.01",
    "tracker.figures=false",
    "tracker.progress=none",
]
"""110 training rows: the second validation is better than the first, and than most that follow."""


@pytest.fixture
def overfitted(tmp_path, zsl_run):
    """Return what makes such a run and gives its directory and its validations."""

    def run(*arguments):
        zsl_run(*OVERFITTED, *arguments)
        (directory,) = (tmp_path / "outputs/baseline_nn/digits_quadrant").glob("*")
        return directory, [float(row[-1]) for row in rows(directory) if row[-2] == "val/NCLL"]

    return run


def test_the_weights_of_the_best_validation_are_tested(overfitted, zsl_run):
    directory, validations = overfitted()
    best = min(range(5), key=validations.__getitem__)
    assert best < 4, "the test needs a run that gets worse"
    result = recorded(directory)
    assert result["selection"]["stage_lengths"] == {"fit": 20 * (best + 1)}
    assert result["validation"]["val/NCLL"] == pytest.approx(validations[best])
    zsl_run("--json", str(directory), module="zsl_runner.evaluate.cli")
    (scores,) = (json.loads(path.read_text()) for path in Path(directory / "evaluations").glob("*.json"))
    assert scores["metrics"]["test/NCLL"] == result["metrics"]["test/NCLL"]
    assert final_state(directory)["best_weights"] is None


@pytest.mark.slow
def test_the_last_weights_are_tested_on_request(overfitted):
    best, _ = overfitted()
    best_ncll = recorded(best)["metrics"]["test/NCLL"]
    best.rename(best.parent.parent / "best")
    last, _ = overfitted("evaluator.select=last")
    assert recorded(last)["selection"]["stage_lengths"] == {"fit": 100}
    assert recorded(last)["metrics"]["test/NCLL"] != best_ncll


def test_patience_ends_the_stage(overfitted):
    _, validations = overfitted("evaluator.patience=1")
    assert len(validations) < 5
    assert validations[-1] > min(validations)


def test_what_reads_the_test_rows_is_asked_for(tmp_path, zsl_run):
    zsl_run(*QUICK, "evaluator.oracle=true", "trainer.epochs=2")
    (directory,) = (tmp_path / "outputs/cvae/digits_quadrant").glob("*")
    tags = [row[-2] for row in rows(directory)]
    assert tags.count("oracle/NCLL") == 2
    assert "oracle/best_NCLL" in recorded(directory)["metrics"]


def test_a_zero_shot_run_generates_features_of_unseen_classes(tmp_path, zsl_run):
    arguments = [*QUICK[2:6], "evaluator.classifier.synthetic_per_class=20", "evaluator.classifier.epochs=3"]
    zsl_run("model=cvae", "dataset=toy", *arguments, "tracker.figures=false")
    (directory,) = (tmp_path / "outputs/cvae/toy").glob("*")
    result = recorded(directory)
    assert result["setting"] == {"kind": "inductive", "class_prior": "uniform"}
    assert {"test/T1", "test/U", "test/S", "test/H"} <= result["metrics"].keys()
    assert result["quantities"].keys() == {"prior_error"}  # all else are accuracies in per cent


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluator.samples=0"], "expected 1 <= value, found 0"),
        (["dataset.predicted=[bottom_left]"], "both observed and predicted"),
        (["evaluator=zsl"], "does not offer: class_scores"),
        (["evaluator.stages=[tune,final]"], "expected each one of fit"),
        (["trainer=em"], "does not offer"),
    ],
)
def test_impossible_settings_write_nothing(tmp_path, zsl_run, arguments, message):
    assert message in " ".join(zsl_run(*QUICK, *arguments, code=2).stderr.split())
    assert not (tmp_path / "outputs").exists()


def test_figures_are_drawn(tmp_path, zsl_run):
    arguments = [argument for argument in QUICK if "figures" not in argument]
    zsl_run(*arguments, "trainer.epochs=2", "tracker.tensorboard=false")
    (directory,) = (tmp_path / "outputs/cvae/digits_quadrant").glob("*")
    drawn = {path.stem for path in (directory / "figures").glob("*.png")}
    assert drawn == {"completions", "training_strip", "likelihood_curve", "learning_curves"}


def test_state_holds_the_best_weights_between_validations(tmp_path, kill_at):
    directory = kill_at(20, tmp_path / "outputs/cvae/digits_quadrant/killed", *QUICK)
    state = final_state(directory)
    kept = state["best_weights"]
    assert kept.keys() == state["parts"]["model"].keys()
    assert all(isinstance(value, torch.Tensor) for value in kept.values())


def test_images_given_their_label(tmp_path, zsl_run):
    zsl_run(
        "model=cvae_images",
        "dataset=digits_images",
        "dataset.labelled=200",
        "model.hidden=[16]",
        "trainer.epochs=2",
        "evaluator.samples=4",
        "tracker.tensorboard=false",
        "tracker.progress=none",
    )
    (directory,) = (tmp_path / "outputs/cvae/digits_images").glob("*")
    result = recorded(directory)
    assert result["setting"] == {"kind": "semi-supervised, 200 labels"}
    assert result["cost"]["real_rows"] == {"fit": 256}
    assert result["metrics"]["test/NCLL_ELBO"] > result["metrics"]["test/NCLL_IS"]
    pictures = {path.stem for path in (directory / "figures").glob("*.png")}
    assert {"classes", "training_strip", "likelihood_curve"} <= pictures
