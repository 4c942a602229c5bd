"""Whole runs of aligned autoencoders, whose final classifiers read codes."""

import pytest
import torch

from tests.golden.runs import QUIET, RUNS
from tests.recipes.contract import RunContract
from tests.small_runs import finished
from zsl_runner.evaluation.metrics import mean_class_accuracy
from zsl_runner.runs.opened import open_run
from zsl_runner.streams import Streams


@pytest.mark.slow
class TestRunsOfCADAVAE(RunContract):
    arguments = (*RUNS["aligned_vae"], "trainer.evaluate_every=2", "checkpoint.every=60")


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    widths = [f"model.{network}.hidden=[256]" for network in ("encoder", "decoder", "class_encoder", "class_decoder")]
    return finished(
        tmp_path_factory.mktemp("cada_vae"),
        *QUIET[1:],
        "model=cada_vae",
        "dataset=toy",
        *widths,
        "model.class_encoder.dropout=0",
        "trainer.epochs=16",
        "trainer.optim.lr=1.5e-3",
        "evaluator.stages=[final]",
        "evaluator.calibration=none",
        "evaluator.classifier.real_per_class=30",
        "evaluator.classifier.synthetic_per_class=50",
        "evaluator.classifier.synthetic_per_class_zsl=50",
    )


def test_unseen_classes_are_recognised_by_drawn_codes_and_by_their_priors(directory):
    run = open_run(directory)
    assert run.result.metrics["test/T1"] > 60
    data = run.fold.evaluation
    x = data.unseen.take(torch.arange(len(data.unseen)))
    with torch.no_grad():
        scores = run.model.eval().class_scores(x, data.class_vectors[data.unseen_classes])
    assert mean_class_accuracy(data.unseen_labels, data.unseen_classes[scores.argmax(1)]) > 60


def test_generated_features_and_the_latent_space_are_drawn(directory):
    run = open_run(directory)
    data = run.fold.evaluation
    drawn = {path.stem for path in (directory / "figures").iterdir()}
    assert {"generated_features", "latent_space", "confusion"} <= drawn
    vectors = data.class_vectors[data.unseen_classes]
    made = torch.stack([run.model.synthesize(vectors, Streams(seed)) for seed in range(20)]).mean(0)
    x = data.unseen.take(torch.arange(len(data.unseen)))
    means = torch.stack([x[data.unseen_labels == k].mean(0) for k in data.unseen_classes])
    right = torch.cdist(made, means).argmin(1) == torch.arange(len(means))
    assert right.sum() >= 6  # of 8; one by chance
