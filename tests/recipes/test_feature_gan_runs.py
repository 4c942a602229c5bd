"""Whole runs of the feature-generating family on the toy problem."""

import pytest

from tests.recipes.comparison import same_end, straight_run
from tests.results import recorded

QUICK = [
    "dataset=toy",
    "model=bi_vaegan",
    "model.hidden=16",
    "trainer.epochs=3",
    "trainer.warmup_epochs=1",
    "trainer.epoch_steps=8",
    "trainer.critic_steps=2",
    "trainer.evaluate_every=1",
    "trainer.prior_classifier.synthetic_per_class=20",
    "trainer.prior_classifier.epochs=3",
    "evaluator.classifier.synthetic_per_class=20",
    "evaluator.classifier.epochs=3",
    "tracker.log_every=7",
    "tracker.figures=false",
    "tracker.progress=none",
    "checkpoint.every=4",
]


@pytest.fixture(scope="module")
def straight(tmp_path_factory, launch):
    return straight_run(tmp_path_factory, launch, *QUICK)


@pytest.mark.slow
@pytest.mark.parametrize(
    "step",
    [
        pytest.param(4, id="tune-inductive", marks=pytest.mark.slow),
        pytest.param(16, id="tune-transductive"),
        pytest.param(28, id="final-inductive", marks=pytest.mark.slow),
        pytest.param(44, id="final-transductive", marks=pytest.mark.slow),
    ],
)
def test_kill_in_the_middle_of_any_phase(straight, kill_at, zsl_run, tmp_path, step):
    directory = kill_at(step, tmp_path / "outputs/bi_vaegan/toy/killed", *QUICK)
    zsl_run(f"resume={directory}")
    same_end(straight, directory)


def test_the_result_says_transductive_and_where_the_class_prior_came_from(straight):
    result = recorded(straight)
    assert result["setting"] == {"kind": "transductive", "class_prior": "cpe"}
    assert set(result["metrics"]) >= {"test/T1", "test/U", "test/S", "test/H"}
    assert not any(tag.startswith("oracle/") for tag in result["metrics"])


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        pytest.param("f_clswgan", ["trainer.seen_classifier.epochs=2"], marks=pytest.mark.slow),
        ("f_vaegan", ["trainer=feature_gan_transductive", "model.unseen_critic=unconditional"]),
        pytest.param("tf_vaegan", [], marks=pytest.mark.slow),
        pytest.param(
            "bi_vaegan",
            ["model.unseen_critic=pseudo_conditional", "trainer.class_prior=bbse_soft"],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_every_method_runs_and_draws_its_figures(model, arguments, zsl_run, tmp_path):
    # The tail of the list wins, so what an argument repeats is left out.
    quick = [a for a in QUICK if not a.startswith(("model=", "trainer.warmup", "tracker.figures", "trainer.epochs"))]
    zsl_run(
        f"model={model}",
        *quick,
        *arguments,
        "trainer.epoch_steps=2",
        "trainer.epochs=4",
        "trainer.evaluate_every=4",
        "tracker.tensorboard=false",
        "name=short",
    )
    directory = tmp_path / "outputs" / model / "toy" / "short"
    result = recorded(directory)
    assert result["status"] == "complete"
    drawn = {path.stem for path in (directory / "figures").glob("*.png")}
    assert drawn >= {"confusion", "unseen_against_seen", "generated_features", "learning_curves"}
    transductive = result["setting"]["kind"] == "transductive"
    assert ({"class_prior", "transduction"} <= drawn) == transductive


def test_mistakes_of_the_family_are_found_before_anything_is_written(zsl_run, tmp_path):
    done = zsl_run(
        "dataset=toy",
        "model=bi_vaegan",
        "dataset.feature_scaling=minmax",
        "dataset.radius=0",
        "trainer.warmup_epochs=0",
        "evaluator.classifier.synthetic_per_class=0",
        code=2,
    )
    for key in (
        "dataset.radius",
        "trainer.warmup_epochs",
        "evaluator.classifier.synthetic_per_class",
    ):
        assert key in done.stdout + done.stderr
    assert not (tmp_path / "outputs").exists()
