"""Whole runs of JointVAE: figures, exact resume, the collapse alarm in the record, mistakes told before a start."""

import numpy as np
import pytest

from tests.golden.runs import QUIET, RUNS
from tests.recipes.comparison import final_state, rows, same_end, straight_run
from tests.results import recorded
from tests.slow import slow_if
from tests.small_runs import finished

QUICK = [
    "dataset=digits_images",
    "dataset.side=32",
    "dataset.validation_rows=1370",
    "model=joint_vae",
    "model.continuous=3",
    "trainer.epochs=4",
    "trainer.batch_size=8",
    "trainer.iters=40",
    "trainer.evaluate_every=2",
    "tracker.tensorboard=false",
    "tracker.log_every=7",
    "tracker.progress=none",
    "checkpoint.every=5",
]
"""130 training images, 16 steps an epoch: 64 steps."""


@pytest.fixture(scope="module")
def straight(tmp_path_factory, launch):
    return straight_run(tmp_path_factory, launch, *QUICK)


def test_a_run_measures_and_draws(straight):
    result = recorded(straight)
    assert result["setting"] == {"kind": "unsupervised"}
    assert result["metrics"].keys() >= {"test/accuracy_majority", "test/accuracy_hungarian", "test/mutual_information"}
    cost = {"unit": "nats", "lower_is_better": True, "digits": 2, "ranked": True}
    assert result["quantities"]["reconstruction"] == cost
    assert not result["quantities"]["KL_z"]["ranked"]
    assert result["selection"]["stage_lengths"] == {"fit": 64}
    names = {path.stem for path in (straight / "figures").glob("*.png")}
    assert names == {
        "traversals",
        "categories_by_style",
        "samples",
        "reconstructions",
        "categories_and_classes",
        "latent_divergences",
        "capacity",
        "training_strip",
        "learning_curves",
    }
    assert {path.stem for path in (straight / "figures").glob("*.gif")} == {"traversals_in_training"}
    tags = [row[-2] for row in rows(straight)]
    assert tags.count("val/mutual_information") == 2
    assert tags.count("test/mutual_information") == 1
    assert "train/fit/code_collapsed" in tags


@pytest.mark.parametrize("step", slow_if([10], [10, 50]))
def test_a_killed_run_continues_to_the_same_bits_and_keeps_its_schedule(straight, tmp_path, kill_at, zsl_run, step):
    directory = kill_at(step, tmp_path / "outputs/joint_vae/digits_images/killed", *QUICK, "tracker.figures=false")
    zsl_run(f"resume={directory}")
    same_end(straight, directory)
    assert final_state(directory)["parts"]["trainer"]["done"] == 64


@pytest.mark.slow
def test_a_collapsed_code_is_told_on_the_console_and_in_the_record(tmp_path, zsl_run):
    """All weight on the divergences and none to speak of on the picture: every image takes one category, surely."""
    collapse = [
        "trainer.cc_min=2.0",
        "trainer.gamma_c=10000",
        "trainer.cz_max=0",
        "trainer.epochs=12",
        "trainer.evaluate_every=12",
        "model.hard=true",
    ]
    done = zsl_run(*QUICK, *collapse, "trainer.optim.lr=0.003", "name=collapsed", "tracker.figures=false")
    result = recorded(tmp_path / "outputs/joint_vae/digits_images/collapsed")
    (warning,) = result["warnings"]
    assert "discrete variable 1 has collapsed" in warning
    assert f"WARNING: {warning[:40]}" in done.stdout
    alarms = (done.stdout + done.stderr).count("has collapsed: KL_c")
    assert 2 <= alarms <= 6  # once per change while training, once in the summary
    collapsed = [float(row[-1]) for row in rows(tmp_path / "outputs/joint_vae/digits_images/collapsed")
                 if row[-2] == "train/fit/code_collapsed"]  # fmt: skip
    assert collapsed[0] == 0
    assert collapsed[-1] == 1


def test_a_run_without_an_alarm_has_no_warning(straight):
    assert recorded(straight)["warnings"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dataset.side=null"], "joint_vae takes images of 32 x 32 or 64 x 64 pixels"),
        (["dataset.side=48"], "have 48 x 48;"),
        (["model.temperature=0"], "model.temperature"),
        (["model.continuous=0", "model.discrete=[]"], "there is no latent variable"),
        (["model.discrete=[10,1]"], "model.discrete"),
        (["trainer.capacities=shared", "trainer.gamma_z=3"], "has one weight"),
        (["trainer=cvae"], "trainers that fit model=joint_vae: beta_vae, capacity, capacity_shared"),
        (["dataset=digits"], "image_rows"),
        (["evaluator=likelihood"], "evaluators that fit model=joint_vae: joint_code"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(tmp_path, zsl_run, arguments, message):
    few = [option for option in QUICK if not option.startswith("trainer.")] if arguments == ["trainer=cvae"] else QUICK
    few = [option for option in few if not option.startswith("dataset.")] if arguments == ["dataset=digits"] else few
    done = zsl_run(*few, *arguments, code=2)
    assert message in done.stderr
    assert not (tmp_path / "outputs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["capacity_shared", "beta_vae"])
def test_the_compared_objectives_run(tmp_path, zsl_run, trainer):
    few = ["trainer.epochs=1", "tracker.figures=false", f"name={trainer}"]
    zsl_run(*QUICK, f"trainer={trainer}", *few)
    result = recorded(tmp_path / f"outputs/joint_vae/digits_images/{trainer}")
    assert result["status"] == "complete"
    assert np.isfinite(result["metrics"]["test/reconstruction"])


@pytest.mark.slow
def test_an_oracle_has_no_best_value_of_what_only_describes(tmp_path):
    found = recorded(finished(tmp_path, *QUIET, *RUNS["capacity"], "evaluator.oracle=true"))["metrics"]
    assert "oracle/best_reconstruction" in found
    assert "oracle/best_KL_z" not in found
