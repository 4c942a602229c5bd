"""SGAL's specification, section 10: generating and learning against its control, and its switches, on the toy data.

Data, networks and mixture are those of the specification's recipe (10.1): 22 seen and 8 unseen Gaussian classes, noise
0.4, unscaled; an encoder of one hidden layer, an affine decoder, 8 latent dimensions, a prior network of three layers,
unit prior variances, the margin between different classes; 400 iterations of the released mixture. It says nothing of
batch norm: here there is none. It differs in three ways:

* the learning rate is 8e-3, four times the recipe's 2e-3;
* pretraining takes 2,000 steps, until plain training gains no more, instead of 800 or 1,600;
* the tune stage undoes worse iterations, every 100 as in the released code, and the final stage is as long as was best
  on validation classes (item 16 asks for the best), instead of no rollback and the last iterate.

Each seed draws another problem.
"""

import csv
import statistics
from types import SimpleNamespace

import pytest

from tests.results import recorded

pytestmark = pytest.mark.slow

RECIPE = [
    "dataset=toy",
    "dataset.noise=0.4",
    "dataset.feature_scaling=none",
    "dataset.semantic_scaling=none",
    "model=sgal_released",
    "model.latent_dim=8",
    "model.encoder.hidden=[64]",
    "model.encoder.dropout=0",
    "model.encoder.batch_norm=false",
    "model.prior.layers=3",
    "model.prior.dropout=0",
    "model.prior.batch_norm=false",
    "model.margin.weight=0.01",
    "model.margin.pairs=batch_diff",
    "trainer.optim.lr=8e-3",
    "tracker.figures=false",
    "tracker.tensorboard=false",
    "tracker.progress=none",
]
EM = ["trainer=em_released", "trainer.pretrain_steps=2000", "trainer.em.iterations=400"]
CONTROL = ["trainer=seen_only", "trainer.steps=2000", "trainer.matched.em_iterations=400"]
KEEP_BEST = ["evaluator.select=val", "evaluator.every=100"]


@pytest.fixture
def run(zsl_run, tmp_path):
    """Return what runs the recipe with more overrides and gives metrics, costs and the tags it logged."""

    def run(name, *overrides):
        zsl_run(*RECIPE, *overrides, f"name={name}")
        (directory,) = (tmp_path / "outputs").glob(f"*/toy/{name}*")
        found = recorded(directory)
        with (directory / "metrics.csv").open() as stream:
            tags = {row["tag"] for row in csv.DictReader(stream)}
        return SimpleNamespace(metrics=found["metrics"], validation=found["validation"], cost=found["cost"], tags=tags)

    return run


def problem(seed):
    return [f"seed={seed}", f"dataset.data_seed={seed}"]


@pytest.fixture
def gain(run):
    """Return what trains EM and its control and gives by how much the first's H is higher, seed by seed."""

    def gain(seeds, *overrides):
        gains = []
        for seed in seeds:
            learned = run(f"em-{seed}", *EM, *overrides, *problem(seed))
            control = run(f"control-{seed}", *CONTROL, *overrides, *problem(seed))
            gains.append(learned.metrics["test/H"] - control.metrics["test/H"])
        return gains

    return gain


def test_generating_and_learning_beats_the_control_on_average(gain):
    """Item 16, each run as long as was best on its validation classes; single problems may lose.

    The setting was chosen on problems 0 to 5, where the gain was 12.3 with a standard error of 5.9. On these six others
    it was 4.2 with one of 3.2: H 85.6 against 81.4, three ties, no loss. Hence no claim about its size.
    """
    assert statistics.fmean(gain(range(10, 16), *KEEP_BEST)) > 0


def test_batch_norm_in_the_prior_network_makes_it_collapse(gain):
    """Unseen classes fill a mixed batch, so its statistics are not those the class priors are computed with later.

    Measured: losses of 75 and 28. The learning rate of the other tests ends in infinity here.
    """
    gentle = ["trainer.optim.lr=2e-3", "evaluator.stages=[final]", "evaluator.calibration=none"]
    gains = gain(range(2), "model.prior.batch_norm=true", *gentle)
    assert max(gains) < -10


SHORT = [
    *["trainer=em_released", "trainer.optim.lr=8e-3", "trainer.pretrain_steps=300", "trainer.em.iterations=100"],
    "trainer.em.rollback_every=null",  # iterations that are undone would all end where pretraining did
]
HIDDEN = ["model.decoder.hidden=[32]", "model.decoder.batch_norm=false", "model.decoder.dropout=0.2"]
SWITCHES = {
    "copies": "trainer.em.copies=1",
    "ratio": "trainer.em.gen_ratio=0.5",
    "dropout": "trainer.em.decoder_dropout=false",
    "margin": "model.margin.weight=0",
}


def test_every_switch_moves_the_metrics(run):
    """Item 17."""
    usual = run("usual", *SHORT, *HIDDEN)
    switched = {name: run(name, *SHORT, *HIDDEN, switch) for name, switch in SWITCHES.items()}
    for name, other in switched.items():
        assert other.validation != usual.validation, name
        assert other.metrics != usual.metrics, name
    real_rows = {
        name: other.cost["real_rows"]["final"] - usual.cost["real_rows"]["final"] for name, other in switched.items()
    }
    assert real_rows.pop("ratio") > 0
    assert set(real_rows.values()) == {0}
    assert "train/em/margin" in usual.tags
    assert [name for name, other in switched.items() if "train/em/margin" not in other.tags] == ["margin"]


def test_dropout_while_generating_changes_nothing_without_a_hidden_decoder_layer(run):
    usual, switched = run("usual", *SHORT), run("switched", *SHORT, "trainer.em.decoder_dropout=false")
    assert switched.metrics == usual.metrics
    assert switched.validation == usual.validation
