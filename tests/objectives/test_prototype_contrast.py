"""Contrast of pixels with prototypes: closed forms, symmetry, gradients, mining."""

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from zsl_runner.objectives.prototype_contrast import (
    ContrastView,
    contrast,
    cross_map,
    cross_prototype,
    intra_view,
    mean_contrast,
    similarities,
)
from zsl_runner.objectives.prototype_mining import Mining, class_mean, hard_pixels, semi_hard_weights
from zsl_runner.objectives.prototypes import Prototypes, prototypes

TAU = 0.1
DETERMINISTIC = Mining(random_share=0.0)


def view(seed, classes=11, width=6, images=2, valid=None):
    generator = torch.Generator().manual_seed(seed)
    features = torch.rand(images, width, 4, 4, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (images, 4, 4), generator=generator)
    vectors = F.normalize(torch.rand(classes, width, generator=generator, dtype=torch.float64), dim=1)
    return ContrastView(features, labels, Prototypes(vectors, torch.ones(classes) > 0 if valid is None else valid))


def draws():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(32, generator=generator), torch.rand(32, generator=generator)


def test_contrast_is_the_cross_entropy_of_cosines_over_tau():
    one = view(0)
    cosines = F.cosine_similarity(one.features[:, None], one.prototypes.vectors[None, :, :, None, None], dim=2)
    expected = F.cross_entropy(cosines / TAU, one.labels)
    torch.testing.assert_close(mean_contrast(one.features, one.labels, one.prototypes, TAU), expected)


@pytest.mark.parametrize(("classes", "valid"), [(11, 11), (21, 21), (11, 4)])
def test_at_equal_similarity_it_is_the_logarithm_of_the_number_of_valid_classes(classes, valid):
    found = contrast(torch.full((1, classes), 0.3), torch.tensor([0]), torch.arange(classes) < valid, TAU)
    assert float(found) == pytest.approx(math.log(valid), rel=1e-6)


def test_a_pixel_on_its_prototype_with_orthogonal_others_has_nearly_no_loss():
    found = contrast(torch.eye(11, dtype=torch.float64)[:1], torch.tensor([0]), torch.ones(11), TAU)
    assert float(found) == pytest.approx(math.log(1 + 10 * math.exp(-10)), rel=1e-12)
    assert float(found) == pytest.approx(4.5e-4, rel=0.02)


def test_classes_without_prototype_are_no_negatives_and_their_pixels_do_not_count():
    valid = torch.arange(11) < 4
    one = view(1, valid=valid)
    kept = one.labels < 4
    cosines = similarities(one.features, one.prototypes.vectors).reshape(2, 4, 4, 11)
    expected = F.cross_entropy(cosines[kept][:, :4] / TAU, one.labels[kept])
    torch.testing.assert_close(mean_contrast(one.features, one.labels, one.prototypes, TAU), expected)


def test_the_loss_of_a_single_pixel_that_counts_is_its_own():
    one = view(1, valid=torch.arange(11) < 4)
    labels = torch.full_like(one.labels, 7)
    labels[0, 2, 3] = 1
    found = mean_contrast(one.features, labels, one.prototypes, TAU)
    cosines = similarities(one.features, one.prototypes.vectors).reshape(2, 4, 4, 11)[0, 2, 3]
    torch.testing.assert_close(found, F.cross_entropy(cosines[:4] / TAU, torch.tensor(1)))


def test_without_any_prototype_there_is_no_loss_and_a_finite_gradient():
    one = view(2, valid=torch.zeros(11) > 0)
    features = one.features.requires_grad_()
    for loss in (
        mean_contrast(features, one.labels, one.prototypes, TAU),
        intra_view(one, one, TAU, Mining(), draws()),
    ):
        assert loss.item() == 0
        (gradient,) = torch.autograd.grad(loss, features)
        assert torch.equal(gradient, torch.zeros_like(gradient))


def test_a_pixel_of_zeros_is_equally_far_from_all_and_has_a_finite_gradient():
    one = view(3)
    features = torch.zeros_like(one.features).requires_grad_()
    loss = mean_contrast(features, one.labels, one.prototypes, TAU)
    assert loss.item() == pytest.approx(math.log(11))
    assert torch.autograd.grad(loss, features)[0].isfinite().all()


def test_which_labels_and_prototypes_belong_together():
    one, other = view(4), view(5)
    p = mean_contrast
    expected = p(one.features, one.labels, other.prototypes, TAU) + p(other.features, other.labels, one.prototypes, TAU)
    torch.testing.assert_close(cross_prototype(one, other, TAU), expected / 2)
    expected = p(one.features, other.labels, one.prototypes, TAU) + p(other.features, one.labels, other.prototypes, TAU)
    torch.testing.assert_close(cross_map(one, other, TAU), expected / 2)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31))
def test_the_views_may_be_swapped(seed):
    one, other = view(seed), view(seed + 1)
    assert cross_prototype(one, other, TAU) == cross_prototype(other, one, TAU)
    assert cross_map(one, other, TAU) == cross_map(other, one, TAU)
    nothing = draws()
    assert intra_view(one, other, TAU, DETERMINISTIC, nothing) == intra_view(other, one, TAU, DETERMINISTIC, nothing)


def test_without_mining_the_contrast_within_is_the_mean_over_classes():
    one = view(6)
    everything = Mining(dropped=0, last=11, random_share=1.0)
    losses = contrast(
        similarities(one.features, one.prototypes.vectors), one.labels.flatten(), one.prototypes.valid, TAU
    )
    means = [losses[one.labels.flatten() == label].mean() for label in one.labels.unique()]
    torch.testing.assert_close(intra_view(one, one, TAU, everything, draws()), torch.stack(means).mean())


def test_gradients_are_those_of_differences():
    one, other = view(7), view(8)

    def losses(first, second):
        a, b = one._replace(features=first), other._replace(features=second)
        return (
            cross_prototype(a, b, TAU),
            cross_map(a, b, TAU),
            intra_view(a, b, TAU, Mining(), draws()),
        )

    assert torch.autograd.gradcheck(losses, (one.features.requires_grad_(), other.features.requires_grad_()))


def test_autocast_rounds_neither_cosines_nor_prototypes_nor_gradients():
    """Eight bits of a cosine are 0.04 of its logit, and of many prototypes some then rank alike."""
    sides = [view(seed, images=4, width=64) for seed in (9, 10)]
    weights = torch.rand(4, 11, 4, 4, generator=torch.Generator().manual_seed(2))

    def found(autocast):
        features = [side.features.float().requires_grad_() for side in sides]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            one, other = (
                ContrastView(pixels, side.labels, prototypes(pixels, weights, 8))
                for pixels, side in zip(features, sides, strict=True)
            )
            drawn = tuple(torch.rand(64, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
            losses = [
                cross_prototype(one, other, TAU),
                cross_map(one, other, TAU),
                intra_view(one, other, TAU, Mining(), drawn),
            ]
        return *losses, *torch.autograd.grad(sum(losses), features)

    for rounded, exact in zip(found(True), found(False), strict=True):
        assert rounded.dtype == torch.float32
        assert torch.equal(rounded, exact)


@pytest.mark.parametrize(("classes", "dropped", "last", "negatives"), [(21, 3, 13, 10), (11, 1, 6, 5)])
def test_semi_hard_ranks(classes, dropped, last, negatives):
    generator = torch.Generator().manual_seed(0)
    cosines, labels = torch.rand(200, classes, generator=generator), torch.randint(classes, (200,), generator=generator)
    found = semi_hard_weights(cosines, labels, torch.ones(classes) > 0, Mining(dropped=dropped, last=last))
    own = F.one_hot(labels, classes) > 0
    assert (found[own] == 1).all()
    assert (found.sum(1) == 1 + negatives).all()
    assert set(found.unique().tolist()) == {0, 1}
    others = torch.where(own, -torch.inf, cosines)
    expected = others.sort(dim=1, descending=True).indices[:, dropped:last]
    assert torch.equal(found.bool() & ~own, torch.zeros_like(own).scatter(1, expected, True))


def test_the_released_ranks_count_a_pixels_own_prototype_again():
    cosines = torch.tensor([[0.9, 0.8, 0.7, 0.6, 0.5], [0.5, 0.9, 0.8, 0.7, 0.6]])
    mining = Mining(dropped=1, last=3, positive_ranked=True)
    found = semi_hard_weights(cosines, torch.tensor([1, 0]), torch.ones(5) > 0, mining)
    assert found.tolist() == [[0, 2, 1, 0, 0], [1, 0, 1, 1, 0]]
    twice = contrast(cosines[:1], torch.tensor([1]), found[:1], TAU)
    assert float(twice) == pytest.approx(math.log(2 + math.exp(-1)), rel=1e-5)


def test_classes_without_prototype_take_no_rank():
    cosines = torch.tensor([[0.9, 0.8, 0.7, 0.6, 0.5]])
    valid = torch.tensor([True, False, True, True, True])
    found = semi_hard_weights(cosines, torch.tensor([0]), valid, Mining(dropped=1, last=2))
    assert found.tolist() == [[1, 0, 0, 1, 0]]
    invalid = semi_hard_weights(cosines, torch.tensor([1]), valid, Mining(dropped=1, last=2))
    assert invalid.tolist() == [[0, 0, 1, 0, 0]]


def test_hard_pixels_by_hand():
    """Ten pixels of class 0, one of class 1, one that does not count."""
    labels = torch.tensor([0] * 10 + [1, 0])
    counted = torch.arange(12) < 11
    similarity = torch.cat([torch.arange(10).flip(0) / 10, torch.tensor([0.5, 0.0])])
    drawn = torch.cat([torch.arange(10) / 10, torch.tensor([0.3, 0.0])])
    band = hard_pixels(similarity, labels, counted, drawn, 3, Mining(random_share=0.0))
    assert band.nonzero().flatten().tolist() == [4, 5, 6, 7, 8, 10]  # all but the lowest and the four highest
    both = hard_pixels(similarity, labels, counted, drawn, 3, Mining(random_share=0.2))
    assert both.nonzero().flatten().tolist() == [0, 1, 4, 5, 6, 7, 8, 10]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31), st.integers(1, 40))
def test_each_class_keeps_as_many_pixels_as_its_share(seed, pixels):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(4, (pixels,), generator=generator)
    similarity, drawn = (torch.rand(pixels, generator=generator) for _ in range(2))
    counted = torch.ones(pixels) > 0
    random = hard_pixels(similarity, labels, counted, drawn, 4, Mining(random_share=0.5, band=(0.0, 0.0)))
    band = hard_pixels(similarity, labels, counted, drawn, 4, Mining(random_share=0.0))
    both = hard_pixels(similarity, labels, counted, drawn, 4, Mining())
    assert torch.equal(both, random | band)
    for label in labels.unique():
        size = int((labels == label).sum())
        assert int(random[labels == label].sum()) == -(-size // 2)
        assert int(band[labels == label].sum()) == -(-size * 6 // 10) - size // 10


def test_class_means_count_what_was_chosen_and_the_released_ones_also_what_was_skipped():
    values, labels = torch.tensor([1.0, 3.0, 100.0, 8.0, 5.0, 7.0]), torch.tensor([0, 0, 0, 2, 1, 1])
    chosen, counted = torch.tensor([True, True, False, True, True, True]), torch.ones(6) > 0
    assert class_mean(values, labels, chosen, counted, 3, Mining()).item() == pytest.approx((2 + 6 + 8) / 3)
    released = class_mean(values, labels, chosen, counted, 3, Mining(mean_over_skipped=True))
    assert released.item() == pytest.approx((2 + 6) / 3)  # the class of one pixel is left out of the sum alone
    assert class_mean(values, labels, ~counted, counted, 3, Mining()).item() == 0
