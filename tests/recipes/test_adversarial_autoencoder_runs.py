"""Whole runs of adversarial autoencoders: every variant, exact resume, features of unseen classes, mistakes."""

import pytest

from tests.recipes.comparison import rows, same_end, straight_run
from tests.results import recorded
from tests.slow import slow_if

SHORT = ["trainer.epochs=3", *(f"trainer.optim.{name}.milestones=[2]" for name in ("recon", "disc", "gen", "semi"))]
DIGITS = ["dataset=digits_images"]
SMALL = [
    *SHORT,
    *DIGITS,
    "dataset.labelled=100",
    "model.hidden=[24]",
    "model.discriminator_hidden=[12]",
    "trainer.batch_size=100",
    "trainer.evaluate_every=2",
    "evaluator.prior_match.permutations=10",
    "evaluator.prior_match.classifier_epochs=1",
    "evaluator.parzen.samples=50",
    "tracker.log_every=7",
    "tracker.progress=none",
    "checkpoint.every=5",
]
BARE = [*SMALL, "tracker.figures=false"]
SEMI = ["model=aae/semi_supervised", *BARE, "trainer.epochs=4", "trainer.noise.std=0.1", "trainer.input_dropout=0.1"]
FIGURES = {
    "basic": {"code_histograms", "reconstructions", "samples"},
    "supervised": {"code_histograms", "reconstructions", "samples", "style_content"},
    "label_regularised": {"latent_scatter", "walk"},
    "clustering": {"clusters"},
    "dim_reduction": {"latent_scatter", "representation", "style_content"},
}


@pytest.fixture(scope="module")
def straight(tmp_path_factory, launch):
    return straight_run(tmp_path_factory, launch, *SEMI)


def test_a_run_validates_and_reads_the_test_images_once(straight):
    tags = [row[-2] for row in rows(straight)]
    assert tags.count("val/error") == 2
    assert tags.count("test/error") == 1
    for term in ("reconstruction", "discriminator", "generator", "category_discriminator", "classification"):
        assert f"train/adversarial/{term}" in tags
    result = recorded(straight)
    assert result["setting"] == {"kind": "semi-supervised, 100 labels"}
    assert result["selection"]["metric"] == "val/error"
    assert result["selection"]["stage_lengths"] == {"fit": 48}
    assert result["quantities"]["error"]["lower_is_better"]
    assert result["cost"]["gradient_steps"] == {"fit": 4 * 48}
    assert result["cost"]["real_rows"] == {"fit": 48 * 100}


@pytest.mark.slow
@pytest.mark.parametrize("step", slow_if([10], [10, 30]))
def test_a_killed_run_continues_to_the_same_bits(straight, tmp_path, kill_at, zsl_run, step):
    directory = kill_at(step, tmp_path / "outputs/aae_semi_supervised/digits_images/killed", *SEMI)
    zsl_run(f"resume={directory}")
    same_end(straight, directory)


@pytest.mark.parametrize("variant", slow_if(FIGURES.keys() - {"clustering"}, FIGURES))
def test_each_variant_draws_what_it_has(variant, tmp_path, zsl_run):
    zsl_run(f"model=aae/{variant}", *SMALL, "tracker.tensorboard=false")
    (directory,) = (tmp_path / f"outputs/aae_{variant}/digits_images").glob("*")
    drawn = {path.stem for path in (directory / "figures").glob("*.png")}
    assert FIGURES[variant] | {"learning_curves"} <= drawn
    kind = "unsupervised" if variant in ("basic", "clustering") else "semi-supervised, 100 labels"
    assert recorded(directory)["setting"] == {"kind": kind}


def test_features_of_unseen_classes(tmp_path, zsl_run):
    sizes = [*SHORT, "evaluator.classifier.synthetic_per_class=20", "evaluator.classifier.epochs=3"]
    zsl_run("model=aae/features", "dataset=toy", *sizes, "model.hidden=[32]", "tracker.figures=false")
    (directory,) = (tmp_path / "outputs/aae_supervised/toy").glob("*")
    result = recorded(directory)
    assert result["setting"] == {"kind": "inductive", "class_prior": "uniform"}
    assert {"test/T1", "test/U", "test/S", "test/H"} <= result["metrics"].keys()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["model=aae/semi_supervised", *DIGITS, "dataset.labelled=1201"],
            "to 1,200 (all training images), found 1,201",
        ),
        (["model=aae/semi_supervised", *DIGITS, "dataset.labelled=9"], "expected 10 (one image of each class)"),
        (["model=aae/clustering", "dataset=digits_images", "model.labels=category"], "clusters are found without"),
        (["model=aae/basic", "dataset=digits_images", "model.prior=gmm10"], "lies in the plane; use 2"),
        (["model=aae/basic", "dataset=digits_images", "evaluator.select_metric=val/error"], "needs model.labels"),
        (["model=aae/semi_supervised", "dataset=digits"], "made for dataset=digits: model=aae/features"),
        (["model=aae/semi_supervised", "dataset=digits", "evaluator=final_classifier"], "only labels=decoder"),
        (["model=aae/basic", "dataset=digits_quadrant"], "image_rows"),
        (["model=aae/basics", "dataset=digits_images"], "did you mean aae/basic?"),
        (["model=aae/basic", "dataset=digits_images", "trainer.epochs=10"], "[14, 18] are not reached in 10 epochs"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(arguments, message, tmp_path, zsl_run):
    done = zsl_run(*arguments, "tracker.figures=false", "tracker.progress=none", code=2)
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "outputs").exists()
