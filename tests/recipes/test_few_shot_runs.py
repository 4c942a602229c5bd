"""Whole runs in the few-shot setting."""

import json

import numpy as np
import pytest
import torch

import zsl_runner as zsl
from tests.golden.runs import OPTIONS, QUIET, RUNS
from tests.recipes.contract import RunContract
from tests.slow import slow_if
from tests.small_runs import finished
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.runs.result import FILE_NAME, Result
from zsl_runner.runs.summary import summary_table

FAMILIES = {
    **{name: RUNS[name] for name in ("em", "transductive", "feature_gan", "feature_gan_transductive")},
    "aae_features": OPTIONS["aae_features"],
    "aligned_vae": RUNS["aligned_vae"],
    "cvae_features": RUNS["cvae_generator"],
    "eszsl": ["model=eszsl", "dataset=toy"],
    "ridge_prototype": ["model=ridge_prototype", "dataset=toy"],
}

FINAL = ["evaluator.stages=[final]", "evaluator.calibration=none"]


class TestFewShotEM(RunContract):
    arguments = (*RUNS["em"], "dataset.shots=3", "checkpoint.every=20")
    test_a_run_killed_after_any_checkpoint_ends_as_one_that_was_not = pytest.mark.slow(
        RunContract.test_a_run_killed_after_any_checkpoint_ends_as_one_that_was_not
    )


@pytest.mark.parametrize(
    "family", slow_if(["feature_gan", "aae_features", "aligned_vae", "cvae_features", "ridge_prototype"], FAMILIES)
)
def test_every_family_learns_from_the_labelled_rows_and_says_so(family, tmp_path):
    plain, few = (
        finished(tmp_path / str(shots), *QUIET, *FINAL, *FAMILIES[family], f"dataset.shots={shots}") for shots in (0, 5)
    )
    weights = [Checkpoints(run / "checkpoints").newest().state["parts"]["model"] for run in (plain, few)]
    assert any(not torch.equal(values, weights[1][name]) for name, values in weights[0].items())
    result = Result.load(few / FILE_NAME)
    name = "transductive few-shot" if "transductive" in family else "few-shot"
    assert result.setting["kind"] == f"{name}, 5 labelled rows of each unseen class"
    told = f"setting      {name}, 5 labelled rows of each unseen class, drawn with seed 0, unseen class prior"
    assert told in summary_table(result, few)
    assert all(np.isfinite(value) for tag, value in result.metrics.items() if tag.startswith("test/"))


def test_labelled_rows_help_where_there_are_enough(zsl_run, tmp_path):
    found = {}
    for shots in (0, 20):
        hard = ["dataset=toy", "dataset.noise=2", f"dataset.shots={shots}"]
        zsl_run("model=ridge_prototype", *hard, f"name=of-{shots}", *QUIET)
        found[shots] = json.loads((tmp_path / f"outputs/ridge_prototype/toy/of-{shots}/result.json").read_text())
    for metrics in ("metrics", "validation"):
        part = "test" if metrics == "metrics" else "val"
        assert found[20][metrics][f"{part}/T1"] > found[0][metrics][f"{part}/T1"] + 5


def test_too_many_labelled_rows_are_refused_before_anything_is_written(zsl_run, tmp_path):
    for shots, rows in ((120, "unseen_rows=120"), (80, "train_rows=80 of a validation class in the tune stage")):
        done = zsl_run("model=eszsl", "dataset=toy", f"dataset.shots={shots}", code=2)
        assert f"expected fewer than {rows}, found {shots}" in done.stderr
    assert not (tmp_path / "outputs").exists()


def test_a_finished_run_knows_which_rows_it_saw(tmp_path):
    run = zsl.open_run(finished(tmp_path / "it", *QUIET, *FAMILIES["feature_gan"], "dataset.shots=4"))
    unseen = run.data.unseen_classes
    vectors, names = run.data.class_vectors[unseen], [f"my {run.classes[k]}" for k in unseen]
    rows = run.data.features[run.data.test_unseen][:20]
    # Classifiers of classes of one's own learn nothing from labelled rows of the classes that these replace.
    own, theirs = run.with_classes(vectors, names).predict(rows, "unseen"), run.predict(rows, "unseen")
    assert own.candidates == tuple(names)
    assert not np.array_equal(own.scores, theirs.scores)


def test_vectors_of_ones_own_are_scaled_as_those_of_the_run(tmp_path):
    run = zsl.open_run(
        finished(tmp_path, *QUIET, *FAMILIES["eszsl"], "dataset.semantic_scaling=standard", "dataset.shots=4")
    )
    unseen = run.data.unseen_classes
    own = run.with_classes(run.data.class_vectors[unseen], [f"my {run.classes[k]}" for k in unseen])
    rows = run.data.features[run.data.test_unseen][:20]
    assert np.array_equal(own.predict(rows).scores, run.predict(rows).scores)
