"""What TensorBoard's HParams page knows of a run."""

import pytest

from tests.small_runs import config_of
from zsl_runner.config.identity import flatten
from zsl_runner.config.typed import plain
from zsl_runner.runs.run import hyperparameters


@pytest.mark.parametrize("model", ["sgal", "eszsl"])
def test_a_run_of_defaults_has_every_value_of_one_that_was_varied(tmp_path, model):
    default, varied = ["dataset=toy", f"model={model}"], ["dataset=toy", f"model={model}", "seed=3"]
    key = "model.latent_dim" if model == "sgal" else "model.feature_penalty"
    varied += [f"{key}=7", "evaluator.every=7", "tracker.figures=false"]
    plain_run, other = (hyperparameters(config_of(tmp_path, *words), words) for words in (default, varied))
    assert other.keys() - plain_run.keys() == {"evaluator.every"}  # of other groups what was overridden
    assert (other[key], other["seed"], other["evaluator.every"]) == (7, 3, 7)
    assert plain_run[key] == flatten(plain(config_of(tmp_path, *default)))[key]
    assert all(isinstance(value, (bool, int, float, str)) for value in plain_run.values())
    assert {"model", "dataset", "trainer", "evaluator", "evaluator.select", "seed"} <= plain_run.keys()
    assert not {"model.kind", "model.name", "trainer.kind", "tracker.figures"} & other.keys()


@pytest.mark.parametrize("given", ["evaluator={every: 7}", "++evaluator.every=7"])
def test_an_overridden_key_is_shown_however_it_was_written(tmp_path, given):
    words = ["dataset=toy", "model=sgal", given]
    shown = hyperparameters(config_of(tmp_path, *words), ["zsl-run", *words])
    assert shown["evaluator.every"] == 7
    assert "evaluator.patience" not in shown  # of the same group, and not overridden
