"""Lloyd's iterations end in scikit-learn's clusters from the same start, and move nothing random."""

import pytest
import torch
from sklearn.cluster import KMeans

from zsl_runner.class_prior import lloyd
from zsl_runner.class_prior.clustering import cluster_prior, clusters_by_scikit_learn, clusters_on_device
from zsl_runner.class_prior.lloyd import lloyd_clusters, nearest

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"))]


def rows(count, width, spread, seed):
    """Return rows around four places that lie so close that many rows change clusters, and starts that are off."""
    draws = torch.Generator().manual_seed(seed)
    places = 2 * torch.randn(4, width, generator=draws)
    x = places[torch.randint(4, (count,), generator=draws)] + spread * torch.randn(count, width, generator=draws)
    return x, places + torch.randn(places.shape, generator=draws)


def scikit_learn(x, centres, **options):
    found = KMeans(len(centres), init=centres.double().numpy(), n_init=1, **options).fit(x.double().numpy())
    return torch.from_numpy(found.labels_).long()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_clusters_are_those_of_scikit_learn(device, spread, seed, monkeypatch):
    monkeypatch.setattr(lloyd, "BLOCK", 128)
    x, centres = rows(500, 6, spread, seed)
    x += 100  # a mean far from zero
    centres += 100
    found = lloyd_clusters(x.to(device), centres.to(device))
    assert torch.equal(found.cpu(), scikit_learn(x, centres))
    assert len(found.unique()) > 1


@pytest.mark.parametrize("seed", range(5))
def test_an_empty_cluster_moves_to_the_farthest_row(seed):
    x, centres = rows(200, 3, 1.0, seed)
    centres = torch.cat([centres, torch.full((1, 3), 500.0)])
    found = lloyd_clusters(x, centres)
    assert torch.equal(found, scikit_learn(x, centres))
    assert (found == 4).any()


@pytest.mark.parametrize("seed", range(5))
def test_the_cluster_that_a_row_leaves_for_an_empty_one_has_the_mean_of_the_others(monkeypatch, seed):
    monkeypatch.setattr(lloyd, "ITERATIONS", 1)
    x, centres = rows(24, 3, 1.0, seed)
    x[5] = x[5] + 30
    centres = torch.cat([centres, torch.full((1, 3), 500.0)])
    assert torch.equal(lloyd_clusters(x, centres), scikit_learn(x, centres, max_iter=1))


def test_iterations_are_limited_as_there(monkeypatch):
    x, centres = rows(500, 6, 3.0, 0)
    monkeypatch.setattr(lloyd, "ITERATIONS", 2)
    found = lloyd_clusters(x, centres)
    assert torch.equal(found, scikit_learn(x, centres, max_iter=2))
    monkeypatch.undo()
    assert not torch.equal(found, lloyd_clusters(x, centres))


def test_fewer_different_rows_than_clusters():
    x = torch.tensor([[0.0], [0.0], [4.0]])
    found = lloyd_clusters(x, torch.tensor([[0.0], [4.0], [9.0]]))
    assert found[0] == found[1] != found[2]


def test_nearest():
    assert nearest(torch.tensor([[0.9], [2.1]]), torch.tensor([[2.0], [0.0]])).tolist() == [1, 0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("seed", range(3))
def test_the_prior_on_cuda_is_that_on_the_cpu_and_repeats_to_the_bit(seed):
    x, centres = rows(2000, 8, 1.0, seed)
    x, centres = x.to("cuda"), centres.to("cuda")
    found = cluster_prior(x, centres)
    assert torch.equal(found, cluster_prior(x, centres))
    torch.testing.assert_close(found.cpu(), cluster_prior(x.cpu(), centres.cpu()), rtol=0, atol=2 / 2000)


def test_classes_and_clusters_on_a_device_are_those_of_the_cpu():
    """A class whose centre is nearest to no row takes no part on either."""
    x, centres = rows(300, 5, 1.0, 0)
    centres[2] = 300.0
    for found, expected in zip(clusters_on_device(x, centres), clusters_by_scikit_learn(x, centres), strict=True):
        assert torch.equal(found, expected)
    assert clusters_on_device(x, centres)[0].tolist() == [0, 1, 3]
