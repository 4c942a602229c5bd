"""Losses of the adversarial game, cluster heads, priors in the plane, two-sample statistics, Parzen windows."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from tests.draws import generator
from zsl_runner.objectives.adversarial import discriminator_loss, generator_loss
from zsl_runner.objectives.cluster_heads import head_repulsion, simplex
from zsl_runner.objectives.latent_priors import (
    PETALS,
    petal_log_densities,
    petal_moments,
    petals,
    swiss_roll,
    swiss_roll_moments,
)
from zsl_runner.objectives.parzen import parzen_log_density
from zsl_runner.objectives.two_sample import (
    kolmogorov_smirnov,
    mean_kernel,
    mmd_squared,
    permutation_p_value,
    random_divisions,
)


def randn(*shape, seed=0, **options):
    return torch.randn(*shape, generator=generator(seed), **options)


class TestGame:
    def test_at_a_perfect_match(self):
        zeros = torch.zeros(5, 1)
        assert discriminator_loss(zeros, zeros).item() == pytest.approx(2 * math.log(2), abs=1e-6)
        assert generator_loss(zeros).item() == pytest.approx(math.log(2), abs=1e-6)

    def test_they_are_the_cross_entropies_with_draws_of_the_prior_as_positives(self):
        prior, codes = randn(7, 1), randn(4, 1, seed=1)
        bce = torch.nn.functional.binary_cross_entropy_with_logits
        expected = bce(prior, torch.ones_like(prior)) + bce(codes, torch.zeros_like(codes))
        torch.testing.assert_close(discriminator_loss(prior, codes), expected)
        torch.testing.assert_close(generator_loss(codes), bce(codes, torch.ones_like(codes)))

    def test_far_from_the_match_nothing_overflows_and_the_encoder_still_has_a_gradient(self):
        lost = torch.full((3,), -300.0, requires_grad=True)
        loss = generator_loss(lost)
        assert loss.item() == pytest.approx(300)
        assert torch.autograd.grad(loss, lost)[0].tolist() == pytest.approx([-1 / 3] * 3)
        assert discriminator_loss(-lost, lost).item() == 0


class TestHeads:
    @pytest.mark.parametrize(("distance", "eta"), [(1.0, 4.0), (3.5, 4.0), (5.0, 4.0)])
    def test_two_heads(self, distance, eta):
        heads = torch.tensor([[0.0, 0.0], [0.6 * distance, 0.8 * distance]], dtype=torch.float64, requires_grad=True)
        penalty = head_repulsion(heads, eta)
        assert penalty.item() == pytest.approx(max(0, eta - distance))
        (gradient,) = torch.autograd.grad(penalty, heads)
        assert gradient.norm(dim=1).tolist() == pytest.approx([1.0, 1.0] if distance < eta else [0.0, 0.0])
        if distance < eta:
            assert gradient[0].tolist() == pytest.approx([0.6, 0.8])  # downhill is away from the other

    def test_heads_that_coincide_have_a_finite_gradient(self):
        heads = torch.zeros(3, 2, requires_grad=True)
        penalty = head_repulsion(heads, 2.0)
        assert penalty.item() == 6
        assert torch.autograd.grad(penalty, heads)[0].isfinite().all()

    def test_gradient(self):
        heads = randn(5, 3, dtype=torch.float64).requires_grad_()
        assert torch.autograd.gradcheck(lambda w: head_repulsion(w, 2.0), heads)

    @pytest.mark.parametrize(("count", "width"), [(10, 10), (10, 9), (2, 1), (3, 7)])
    def test_a_simplex_has_one_edge_and_no_penalty(self, count, width):
        corners = simplex(count, width, 4.0)
        torch.testing.assert_close(torch.pdist(corners), torch.full((count * (count - 1) // 2,), 4.0))
        torch.testing.assert_close(corners.mean(0), torch.zeros(width), atol=1e-6, rtol=0)
        assert head_repulsion(corners, 3.9999).item() == 0

    def test_a_simplex_needs_room(self):
        with pytest.raises(ValueError, match="10 corners needs 9 dimensions, found 8"):
            simplex(10, 8, 1.0)


class TestPlanarPriors:
    def test_each_petal_has_its_mean_and_variances(self):
        noise = randn(200_000, 2)
        for part in range(PETALS):
            z = petals(torch.full((len(noise),), part), noise).double()
            angle = 2 * math.pi * part / 10
            axis = torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
            across = torch.tensor([-math.sin(angle), math.cos(angle)], dtype=torch.float64)
            torch.testing.assert_close(z.mean(0), 1.4 * axis, atol=5e-3, rtol=0)
            assert (z @ axis).var().item() == pytest.approx(0.25, rel=0.02)
            assert (z @ across).var().item() == pytest.approx(0.0025, rel=0.02)

    def test_densities_of_petals_are_those_of_their_gaussians(self):
        z = randn(6, 2, dtype=torch.float64)
        for part in range(PETALS):
            angle = 2 * math.pi * part / 10
            rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
            covariance = rotation @ np.diag([0.25, 0.0025]) @ rotation.T
            expected = stats.multivariate_normal(rotation @ [1.4, 0], covariance).logpdf(z.numpy())
            np.testing.assert_allclose(petal_log_densities(z)[:, part], expected, rtol=1e-9)

    def test_the_roll(self):
        u = torch.linspace(0.001, 0.999, 100_001, dtype=torch.float64)
        z = swiss_roll(u)
        assert z.square().sum(1).mean().item() == pytest.approx(4.5, rel=1e-4)
        torch.testing.assert_close(z.norm(dim=1), 3 * u.sqrt())
        angle = torch.atan2(z[:, 1], z[:, 0])
        torch.testing.assert_close(angle.cos(), (4 * math.pi * u.sqrt()).cos())

    @pytest.mark.parametrize("end", [1.0, 0.3])
    def test_the_moments_of_the_roll_are_those_of_its_points_at_even_steps(self, end):
        steps = 2_000_000
        z = swiss_roll(end * (torch.arange(steps, dtype=torch.float64) + 0.5) / steps)
        mean, covariance = (torch.tensor(moment, dtype=torch.float64) for moment in swiss_roll_moments(end))
        torch.testing.assert_close(z.mean(0), mean, rtol=0, atol=1e-6)
        torch.testing.assert_close(z.T.cov(correction=0), covariance, rtol=0, atol=1e-6)

    @pytest.mark.parametrize("count", [1, 3, PETALS])
    def test_the_moments_of_petals_are_those_of_points_with_theirs(self, count):
        root = 2.0**0.5
        noise = torch.tensor([[root, 0], [-root, 0], [0, root], [0, -root]], dtype=torch.float64)  # mean 0, variances 1
        z = torch.cat([petals(torch.full((4,), part), noise) for part in range(count)])
        mean, covariance = (torch.tensor(moment, dtype=torch.float64) for moment in petal_moments(count))
        torch.testing.assert_close(z.mean(0), mean, rtol=0, atol=1e-6)
        torch.testing.assert_close(z.T.cov(correction=0), covariance, rtol=0, atol=1e-6)


class TestTwoSamples:
    def test_the_kernel_is_that_of_the_median_distance(self):
        points = randn(9, 3, dtype=torch.float64)
        median = torch.pdist(points).square().median()
        expected = sum(torch.exp(-(torch.cdist(points, points) ** 2) / (2 * f**2 * median)) for f in (0.5, 1, 2)) / 3
        torch.testing.assert_close(mean_kernel(points), expected)

    def test_equal_points_give_a_kernel_of_ones(self):
        assert torch.equal(mean_kernel(torch.ones(4, 2)), torch.ones(4, 4))

    def test_the_statistic_is_the_unbiased_one_for_every_division(self):
        points = randn(11, 2, dtype=torch.float64)
        kernel, members = mean_kernel(points), random_divisions(11, 4, 6, generator())
        for found, inside in zip(mmd_squared(kernel, members), members.T, strict=True):
            first, second = inside.nonzero().flatten(), (~inside).nonzero().flatten()
            one = sum(kernel[i, j] for i in first for j in first if i != j) / (4 * 3)
            other = sum(kernel[i, j] for i in second for j in second if i != j) / (7 * 6)
            both = sum(kernel[i, j] for i in first for j in second) / (4 * 7)
            torch.testing.assert_close(found, one + other - 2 * both)

    def test_divisions_are_of_the_size_asked_for_and_differ(self):
        members = random_divisions(20, 7, 50, generator())
        assert members.sum(0).tolist() == [7] * 50
        assert len({tuple(column.tolist()) for column in members.T}) > 45

    def test_one_distribution_is_not_rejected_and_two_are(self):
        def p_value(shift, seed):
            points = torch.cat([randn(100, 2, seed=seed), randn(100, 2, seed=seed + 1000) + shift])
            kernel = mean_kernel(points)
            observed = mmd_squared(kernel, torch.arange(200)[:, None] < 100)[0]
            return permutation_p_value(observed, mmd_squared(kernel, random_divisions(200, 100, 200, generator(seed))))

        values = [p_value(0.0, seed) for seed in range(40)]
        assert sum(value <= 0.1 for value in values) <= 10  # 4 expected; more than 10 has probability 0.0015
        assert stats.kstest(values, "uniform").pvalue > 1e-3
        assert p_value(1.0, 0) == 1 / 201

    def test_divisions_that_are_as_large_speak_against_a_difference(self):
        """As all are of points that coincide, where nothing may be rejected."""
        assert permutation_p_value(torch.tensor(1.0), torch.tensor([1.0, 0.0, 2.0])) == 3 / 4
        assert permutation_p_value(torch.tensor(0.0), torch.zeros(99)) == 1

    def test_kolmogorov_smirnov_is_scipys(self):
        x, y = randn(50, 3), randn(70, 3, seed=1) * 1.5
        x[:5], y[:7] = 0.25, 0.25  # ties
        expected = [stats.ks_2samp(x[:, j], y[:, j]).statistic for j in range(3)]
        assert kolmogorov_smirnov(x, y).tolist() == pytest.approx(expected, abs=1e-6)


class TestParzen:
    def test_one_sample_at_the_row(self):
        x = torch.rand(1, 784, generator=generator())
        assert parzen_log_density(x, x, [0.2])[0].item() == pytest.approx(541.35, abs=0.01)
        assert parzen_log_density(x, x, [0.2])[0].item() == pytest.approx(-392 * math.log(2 * math.pi * 0.04), abs=2e-3)

    def test_it_is_the_density_of_the_mixture_in_any_blocks(self):
        x, samples = randn(7, 3, dtype=torch.float64), randn(5, 3, seed=1, dtype=torch.float64)
        densities = [
            np.mean([stats.multivariate_normal(s, 0.3**2 * np.eye(3)).pdf(row) for s in samples.numpy()])
            for row in x.numpy()
        ]
        found = parzen_log_density(x, samples, [0.3, 0.7], chunk=2)
        np.testing.assert_allclose(found[0], np.log(densities), rtol=1e-9)
        torch.testing.assert_close(found, parzen_log_density(x, samples, [0.3, 0.7], chunk=100))

    def test_far_rows_do_not_underflow(self):
        far = parzen_log_density(torch.full((1, 784), 5.0), torch.zeros(3, 784), [0.1])
        assert far.item() == pytest.approx(-784 * 25 / 0.02 - 392 * math.log(2 * math.pi * 0.01), rel=1e-6)
