"""What the three procedures must show on real images: order of the estimates, collapse of GSNN, shrinking diversity."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from tests.results import recorded
from zsl_runner.data.sources.digits.conf import DigitsImagesConf
from zsl_runner.data.sources.digits.source import load_images as load_digits_images
from zsl_runner.evaluation.likelihood.estimates import drawn_outputs
from zsl_runner.evaluation.row_draws import RowDraws
from zsl_runner.runs.opened import open_run

pytestmark = pytest.mark.slow

SETTING = [
    "dataset=digits_quadrant",
    "model.hidden=[128,128]",
    "trainer.batch_size=60",
    "trainer.epochs=30",
    "trainer.evaluate_every=5",
    "tracker.figures=false",
    "tracker.progress=none",
]
LATENT = ["model=cvae_pairs", "model.latent_dim=20", "evaluator.validation_samples=5"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, launch):
    """Return what trains once for each set of arguments and gives the run's directory."""
    known = {}

    def run(*arguments):
        if arguments not in known:
            folder = tmp_path_factory.mktemp("run")
            process, log = launch(folder, *SETTING, *arguments)
            process.join(timeout=600)
            assert process.exitcode == 0, log
            (known[arguments],) = (path.parent for path in folder.glob("outputs/*/*/*/result.json"))
        return known[arguments]

    return run


@pytest.fixture(scope="module")
def measure(trained):
    """Return what trains once for each set of arguments and gives the test metrics without their prefix."""

    def run(*arguments):
        metrics = recorded(trained(*arguments))["metrics"]
        return {name.removeprefix("test/"): value for name, value in metrics.items()}

    return run


def test_the_bound_is_above_few_codes_and_these_above_many(measure):
    few = measure(*LATENT, "evaluator.samples=50")
    many = measure(*LATENT, "evaluator.samples=500")
    assert few["NCLL_ELBO"] > few["NCLL_IS"] > many["NCLL_IS"]
    assert many["NCLL_MC"] > many["NCLL_IS"] - 2 * many["NCLL_IS_se"]


def test_gsnn_hardly_uses_its_codes(measure):
    cvae, gsnn = measure(*LATENT, "evaluator.samples=50"), measure(*LATENT, "trainer=gsnn", "evaluator.samples=50")
    assert gsnn["diversity"] < 0.25 * cvae["diversity"]
    assert "NCLL_IS" not in gsnn
    assert gsnn["NCLL_MC"] == pytest.approx(measure("model=baseline_nn")["NCLL"], rel=0.02)


def test_codes_pay_in_likelihood(measure):
    cvae, nn = measure(*LATENT, "evaluator.samples=500"), measure("model=baseline_nn")
    assert cvae["NCLL"] < nn["NCLL"] - 2 * nn["NCLL_se"]


def test_predictions_differ_less_the_more_is_observed(measure):
    diversity = [
        measure(*LATENT, f"dataset.n_observed={observed}", "evaluator.samples=50")["diversity"]
        for observed in (1, 2, 3)
    ]
    assert diversity[0] > diversity[1] > diversity[2] > 0


def test_drawn_completions_are_of_several_classes_where_the_input_leaves_it_open(trained):
    """A classifier of whole digits, fitted on training images, reads ten completions of each test image."""
    directory = trained(*LATENT, "evaluator.samples=50")
    run = open_run(directory)
    data = run.fold.evaluation
    positions = torch.arange(len(data.pairs))
    pair = data.pairs.take(positions)
    images = load_digits_images(DigitsImagesConf(name="digits"))
    flat = images.images.reshape(len(images.images), -1) / 255
    reader = LogisticRegression(max_iter=2000).fit(flat[images.train], images.labels[images.train])
    assert reader.score(flat[images.test], images.labels[images.test]) > 0.85
    with torch.no_grad():
        condition = run.model.condition(pair.x)
        drawn = drawn_outputs(
            run.model, condition, run.evaluator.conf.drawn_samples, RowDraws(torch.Generator().manual_seed(0))
        )
        guessed = run.model.mean_output(run.model.predict(condition))
    whole = [data.layout.picture(pair.x, y).flatten(1).numpy() for y in drawn]
    classes = np.stack([reader.predict(pictures) for pictures in whole])
    several = np.array([len(set(column)) > 1 for column in classes.T])
    # Inputs whose point prediction the reader finds ambiguous; the others leave less open.
    confidence = reader.predict_proba(data.layout.picture(pair.x, guessed).flatten(1).numpy()).max(1)
    ambiguous = confidence < np.quantile(confidence, 0.25)
    assert several[ambiguous].mean() > 0.9
    assert several[ambiguous].mean() > several[~ambiguous].mean()
