"""What the three procedures must show on real images: order of the estimates, collapse of GSNN, shrinking diversity."""

import json

import pytest

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
LATENT = ["model=cvae", "model.latent_dim=20", "evaluator.validation_samples=5"]


@pytest.fixture(scope="module")
def measure(tmp_path_factory, launch):
    """Return what trains once for each set of arguments and gives the test figures without their prefix."""
    known = {}

    def run(*arguments):
        if arguments not in known:
            folder = tmp_path_factory.mktemp("run")
            process, log = launch(folder, *SETTING, *arguments)
            process.join(timeout=600)
            assert process.exitcode == 0, log
            (path,) = folder.glob("outputs/*/*/*/result.json")
            metrics = json.loads(path.read_text())["metrics"]
            known[arguments] = {name.removeprefix("test/"): value for name, value in metrics.items()}
        return known[arguments]

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


def test_codes_pay_in_likelihood(measure):
    cvae, nn = measure(*LATENT, "evaluator.samples=500"), measure("model=baseline_nn")
    assert cvae["NCLL"] < nn["NCLL"] - 2 * nn["NCLL_se"]


def test_predictions_differ_less_the_more_is_observed(measure):
    diversity = [
        measure(*LATENT, f"dataset.n_observed={observed}", "evaluator.samples=50")["diversity"]
        for observed in (1, 2, 3)
    ]
    assert diversity[0] > diversity[1] > diversity[2] > 0
