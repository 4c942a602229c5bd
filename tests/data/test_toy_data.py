"""The Gaussian problem: its recipe, its determinism and its optimum."""

import math

import numpy as np
import pytest

from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.data.sources.toy.source import GaussianProblem, bayes_accuracy, bayes_predictions, draw_problem, load


def test_the_default_is_the_controlled_data_set():
    records = load(ToyConf(name="toy"))
    assert records.problems() == []
    assert records.features.shape == (22 * 120 + 8 * 120, 64)
    assert records.class_vectors.shape == (30, 20)
    assert (len(records.trainval), len(records.test_seen), len(records.test_unseen)) == (1760, 880, 960)
    np.testing.assert_allclose(np.linalg.norm(records.class_vectors, axis=1), 1, rtol=1e-6)
    assert len(records.validation_classes) == 4
    assert records.provenance.kind == "generated"
    assert "best possible T1 on these test rows" in records.provenance.notes[0]


def test_the_same_seed_gives_the_same_data():
    first, again = load(ToyConf(name="toy")), load(ToyConf(name="toy", holdout_seed=3))
    assert first.features.tobytes() == again.features.tobytes()
    assert first.features.tobytes() != load(ToyConf(name="toy", data_seed=1)).features.tobytes()


@pytest.mark.parametrize(("rank", "mapping"), [(0, "tanh"), (8, "tanh"), (0, "linear")])
def test_rows_have_the_stated_mean_and_covariance(rank, mapping):
    conf = ToyConf(name="toy", width=6, noise=0.5, nuisance_rank=min(rank, 3), nuisance_scale=0.8, mapping=mapping)
    generator = np.random.default_rng(0)
    problem = draw_problem(conf, generator)
    rows = problem.sample(np.full(200_000, 3), generator)
    # Standard error of a mean about 0.002, of a covariance about 0.002.
    np.testing.assert_allclose(rows.mean(0), problem.means[3], atol=0.01)
    np.testing.assert_allclose(np.cov(rows.T), problem.covariance, atol=0.015)
    variances = np.linalg.eigvalsh(problem.covariance)
    np.testing.assert_allclose(variances, [0.25] * (6 - min(rank, 3)) + [0.89] * min(rank, 3))


def test_the_linear_mapping_is_linear():
    problem = draw_problem(ToyConf(name="toy", mapping="linear"), np.random.default_rng(0))
    weights, residual, rank, _ = np.linalg.lstsq(problem.class_vectors, problem.means, rcond=None)
    assert rank == 20
    np.testing.assert_allclose(problem.class_vectors @ weights, problem.means, atol=1e-9)
    assert residual.max() < 1e-18


def test_two_classes_reach_the_closed_form_of_the_optimum():
    """Bayes accuracy of two equally probable Gaussians is Phi(d / 2), d their Mahalanobis distance."""
    nuisance = np.array([[2.0], [0.0]])
    problem = GaussianProblem(np.eye(2), np.array([[0.0, 0.0], [1.5, 1.0]]), nuisance, noise=1.0)
    difference = problem.means[1] - problem.means[0]
    distance = math.sqrt(difference @ np.linalg.inv(problem.covariance) @ difference)
    expected = 50 * (1 + math.erf(distance / 2 / math.sqrt(2)))
    labels = np.repeat([0, 1], 200_000)
    rows = problem.sample(labels, np.random.default_rng(0))
    # Standard error 0.07 per cent.
    assert bayes_accuracy(problem, rows, labels, np.array([0, 1])) == pytest.approx(expected, abs=0.3)
    # Ignoring the covariance is worse: the rule really uses it.
    nearest = np.square(rows[:, None] - problem.means).sum(-1).argmin(1)
    assert 100 * (nearest == labels).mean() < expected - 1


def test_predictions_are_restricted_to_the_candidates():
    problem = draw_problem(ToyConf(name="toy"), np.random.default_rng(0))
    candidates = np.array([5, 9, 28])
    assert bayes_predictions(problem, problem.means[candidates], candidates).tolist() == [5, 9, 28]
    assert set(bayes_predictions(problem, problem.means, candidates)) <= {5, 9, 28}


def test_impossible_sizes_are_complained_about():
    assert [c.key for c in ToyConf(name="toy", width=4, nuisance_rank=5).problems()] == ["nuisance_rank"]
    assert [c.key for c in ToyConf(name="toy", validation_classes=22).problems()] == ["validation_classes"]
    assert list(ToyConf(name="toy").problems()) == []
