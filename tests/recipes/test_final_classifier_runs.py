"""Whole runs whose metrics come from a classifier trained on generated features."""

import json

import pytest

from tests.recipes.conftest import QUICK
from tests.results import recorded

SMALL = [*QUICK, "trainer.pretrain_steps=20", "trainer.em.iterations=10", "trainer.em.rollback_every=null"]
CLASSIFIER = [
    "evaluator=final_classifier",
    "evaluator.classifier.synthetic_per_class=20",
    "evaluator.classifier.epochs=3",
    "evaluator.every=15",
]


def losses(directory):
    """Return the curves of training; their rows do not depend on what else is measured."""
    lines = (directory / "metrics.csv").read_text().splitlines()[1:]
    rows = [line.split(",") for line in lines]
    return sorted((step, tag, value) for step, _, _, tag, value in rows if tag.startswith(("train/", "tune/")))


@pytest.mark.slow
def test_sgal_and_vzsl_are_measured_by_it(zsl_run, tmp_path):
    zsl_run(*SMALL, *CLASSIFIER, "name=run")
    zsl_run("dataset=toy", "model=vzsl", "trainer.steps=20", "tracker.figures=false", *CLASSIFIER, "name=run")
    for model in ("sgal", "vzsl"):
        found = recorded(tmp_path / "outputs" / model / "toy" / "run")
        assert found["status"] == "complete"
        assert {"test/T1", "test/U", "test/S", "test/H", "test/AUSUC", "test/H_cal"} <= found["metrics"].keys()
        assert not any(tag.startswith("oracle/") for tag in found["metrics"])


def test_it_leaves_training_as_it_is_and_zsl_eval_repeats_it(zsl_run, tmp_path):
    zsl_run(*SMALL, "evaluator=zsl", "evaluator.every=15", "name=scores")
    zsl_run(*SMALL, *CLASSIFIER, "name=plain")
    zsl_run(*SMALL, *CLASSIFIER, "evaluator.oracle=true", "name=oracle")
    folder = tmp_path / "outputs/sgal/toy"
    assert losses(folder / "plain")
    assert losses(folder / "scores") == losses(folder / "plain") == losses(folder / "oracle")
    plain, oracle = recorded(folder / "plain")["metrics"], recorded(folder / "oracle")["metrics"]
    assert {tag: value for tag, value in oracle.items() if tag.startswith("test/")} == plain
    for name in ("T1", "H"):
        best = oracle[f"oracle/best_epoch_{name}"]
        assert best >= oracle[f"oracle/epoch_{name}"] >= plain[f"test/{name}"]
        assert best >= oracle[f"oracle/best_{name}"] >= plain[f"test/{name}"]
    done = zsl_run(str(folder / "plain"), "--json", module="zsl_runner.evaluate.cli")
    assert json.loads(done.stdout)["metrics"] == plain


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["model=eszsl"], "evaluator=final_classifier calls what model=eszsl does not offer: synthesize"),
        (["evaluator.classifier.synthetic_per_class=0"], "evaluator.classifier.synthetic_per_class"),
        (["evaluator.classifier.betas=[0.5]"], "expected two decay rates, found 1"),
    ],
)
def test_what_cannot_work_is_refused_before_the_start(zsl_run, tmp_path, wrong, message):
    done = zsl_run("dataset=toy", *CLASSIFIER, *wrong, code=2)
    assert message in done.stderr
    assert not (tmp_path / "outputs").exists()
