"""Class maps: cleaned, refined by affinities, as confidences and pseudo masks; the terms of SEAM."""

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zsl_runner.objectives.class_maps import (
    cleaned_maps,
    confidences,
    pseudo_masks,
    strongest_foreground,
    with_background,
)
from zsl_runner.objectives.equivariance import cross_refinement_loss, equivariance_loss, least_activation, tag_loss
from zsl_runner.objectives.pixel_correlation import affinity, refined_maps

EPS = 1e-5


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_cleaned_maps_follow_their_formula():
    logits = drawn(2, 4, 3, 5)
    positive = logits[:, 1:].clamp(min=0)
    expected = (positive - EPS).clamp(min=0) / (positive.amax((2, 3), keepdim=True) + EPS)
    background = 1 - expected.amax(1)
    expected = torch.where(expected == expected.amax(1, keepdim=True), expected, 0)
    found = cleaned_maps(logits)
    torch.testing.assert_close(found[:, 1:], expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found[:, 0], background, rtol=1e-12, atol=1e-12)


def test_cleaned_maps_of_tags_are_those_of_a_problem_with_these_classes_alone():
    logits = drawn(2, 4, 3, 5)
    tags = torch.tensor([[1.0, 0.0, 1.0], [1.0, 0.0, 1.0]])
    found = cleaned_maps(logits, tags=tags)
    assert torch.equal(found[:, [0, 1, 3]], cleaned_maps(logits[:, [0, 1, 3]]))
    assert torch.equal(found[:, 2], torch.zeros(2, 3, 5, dtype=torch.float64))


def test_a_class_without_tag_takes_a_pixel_from_a_class_with_one_unless_tags_are_given():
    logits = torch.tensor([[0.0, 0.0], [5.0, 4.0], [0.0, 0.01]]).reshape(1, 3, 1, 2)
    tags = torch.tensor([[1.0, 0.0]])
    assert cleaned_maps(logits)[0, 1].flatten().tolist()[1] == 0
    assert cleaned_maps(logits, tags=tags)[0, 1].flatten().tolist()[1] == pytest.approx(0.8, abs=1e-4)


def test_cleaned_maps_leave_their_argument_alone_and_have_no_gradient():
    logits = drawn(1, 3, 2, 2).requires_grad_()
    kept = logits.detach().clone()
    assert not cleaned_maps(logits).requires_grad
    assert torch.equal(logits, kept)


def test_without_activation_all_is_background():
    found = cleaned_maps(-drawn(1, 3, 2, 2).abs())
    assert torch.equal(found[:, 0], torch.ones(1, 2, 2, dtype=torch.float64))
    assert torch.equal(found[:, 1:], torch.zeros(1, 2, 2, 2, dtype=torch.float64))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31), st.floats(0.5, 100.0))
def test_cleaned_maps_do_not_depend_on_the_scale_of_a_map(seed, scale):
    logits = drawn(2, 4, 3, 3, seed=seed)
    torch.testing.assert_close(cleaned_maps(scale * logits, scale * EPS), cleaned_maps(logits), rtol=1e-9, atol=1e-9)


def test_strongest_foreground_keeps_ties_and_the_background():
    maps = torch.tensor([[9.0, 0.0], [1.0, 2.0], [1.0, 3.0]]).reshape(1, 3, 1, 2)
    assert strongest_foreground(maps).flatten().tolist() == [9, 0, 1, 0, 1, 3]
    assert with_background(maps[:, 1:] / 4).flatten().tolist() == [0.75, 0.25, 0.25, 0.5, 0.25, 0.75]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 4), st.integers(1, 4))
def test_columns_of_the_affinity_add_up_to_one(seed, channels, height, width):
    features = drawn(2, channels, height, width, seed=seed)
    found = affinity(features)
    assert (found >= 0).all()
    torch.testing.assert_close(found.sum(1), torch.ones(2, height * width).double(), rtol=0, atol=1e-4)
    torch.testing.assert_close(affinity(3 * features), found, rtol=0, atol=1e-4)


def test_equal_features_give_the_mean_of_the_map():
    maps = drawn(2, 3, 4, 5)
    found = refined_maps(maps, affinity(drawn(2, 7, 1, 1).expand(2, 7, 4, 5)))
    torch.testing.assert_close(found, maps.mean((2, 3), keepdim=True).expand_as(maps), rtol=0, atol=1e-5)


def test_features_of_regions_give_the_means_of_the_regions():
    regions = torch.tensor([[0, 0, 1], [2, 1, 1]])
    features = torch.nn.functional.one_hot(regions).permute(2, 0, 1)[None].double()
    maps = drawn(1, 3, 2, 3)
    expected = maps.clone()
    for region in range(3):
        expected[:, :, regions == region] = maps[:, :, regions == region].mean(2, keepdim=True)
    torch.testing.assert_close(refined_maps(maps, affinity(features)), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("power", [1.0, 2.5, 4.0])
def test_a_power_weighs_the_cosines_and_columns_still_add_up_to_one(power):
    features = drawn(2, 3, 2, 3)
    cosines = torch.nn.functional.normalize(features.flatten(2), dim=1)
    cosines = (cosines.transpose(1, 2) @ cosines).clamp(min=0) ** power
    found = affinity(features, power=power)
    torch.testing.assert_close(found, cosines / cosines.sum(1, keepdim=True), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.sum(1), torch.ones(2, 6, dtype=torch.float64), rtol=0, atol=1e-4)


def test_a_power_leaves_a_pixel_more_of_its_own_value():
    features = drawn(1, 3, 2, 3)
    kept = [affinity(features, power=power)[0].diagonal() for power in (1.0, 2.0, 8.0)]
    assert (kept[0] <= kept[1] + 1e-9).all()
    assert (kept[1] <= kept[2] + 1e-9).all()


def test_opposite_features_hand_nothing_over_and_a_pixel_without_features_receives_nothing():
    features = torch.tensor([[1.0, -1.0, 0.0]]).reshape(1, 1, 1, 3)
    expected = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 0]])
    torch.testing.assert_close(affinity(features)[0], expected, rtol=0, atol=1e-4)


def test_autocast_leaves_what_little_a_spread_map_varies():
    """Features with much in common make all pixels alike: confidences are of the differences that remain."""
    maps, features = drawn(2, 3, 8, 8).float().abs(), 3 + drawn(2, 6, 8, 8, seed=1).float()
    expected = confidences(refined_maps(maps, affinity(features)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = confidences(refined_maps(maps, affinity(features)))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_an_affinity_of_other_pixels_is_refused():
    with pytest.raises(ValueError, match=r"expected an affinity of 6 pixels, found \(4, 4\)"):
        refined_maps(drawn(1, 2, 2, 3), affinity(drawn(1, 2, 2, 2)))


def test_refinement_has_the_right_gradient():
    maps, features = drawn(1, 2, 2, 2), drawn(1, 3, 2, 2, seed=1).abs()
    assert torch.autograd.gradcheck(
        lambda m, f: refined_maps(m, affinity(f)), (maps.requires_grad_(), features.requires_grad_())
    )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31), st.floats(1.0, 100.0), st.floats(0, 10))
def test_confidences_lie_between_zero_and_one_whatever_scale_and_shift(seed, scale, shift):
    maps = drawn(2, 3, 3, 4, seed=seed).abs()
    found = confidences(maps)
    assert (found >= 0).all()
    assert (found < 1).all()
    width = maps.amax((2, 3)) - maps.amin((2, 3))
    torch.testing.assert_close(found.amax((2, 3)), (width - EPS) / (width + EPS), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(confidences(scale * maps + shift, scale * EPS), found, rtol=0, atol=1e-9)


def test_confidences_of_nothing_are_zero_where_the_released_ones_are_negative():
    maps = torch.stack([torch.zeros(2, 2), -torch.ones(2, 2), torch.full((2, 2), 3.0)])[None]
    assert torch.equal(confidences(maps), torch.zeros(1, 3, 2, 2))
    released = confidences(maps, clamped=False)
    torch.testing.assert_close(released[0, :2], torch.full((2, 2, 2), -1.0))
    assert (released[0, 2] < -1e4).all()  # the map is -(3 + eps) / eps: a constant counts as below its own minimum


def test_released_confidences_differ_below_the_minimum_alone():
    maps = drawn(2, 3, 4, 4)
    released, found = confidences(maps, clamped=False), confidences(maps)
    torch.testing.assert_close(released.clamp(min=0), found, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(released.amin((2, 3)), torch.full((2, 3), -EPS).double() / (maps.amax((2, 3)) + EPS))


def test_pseudo_masks_follow_the_tags():
    scores = torch.tensor([[[[0.9, 0.2], [0.1, 0.3]], [[0.5, 0.8], [0.2, 0.3]]]])
    assert pseudo_masks(scores, torch.tensor([[1, 1]]), 0.25).tolist() == [[[1, 2], [0, 1]]]
    assert pseudo_masks(scores, torch.tensor([[0, 1]]), 0.25).tolist() == [[[2, 2], [0, 2]]]
    assert pseudo_masks(scores, torch.tensor([[0, 0]]), 0.25).tolist() == [[[0, 0], [0, 0]]]
    assert pseudo_masks(scores, torch.tensor([[1, 1]]), 0.9).tolist() == [[[0, 0], [0, 0]]]  # not above, no class


def test_the_tag_loss_is_the_mean_logistic_loss():
    logits, tags = drawn(3, 4, 2, 2), torch.tensor([[1, 0, 1], [0, 1, 0], [1, 1, 1]])
    means = logits[:, 1:].mean((2, 3))
    expected = sum(
        math.log1p(math.exp(-float(m) if t else float(m))) for m, t in zip(means.flatten(), tags.flatten(), strict=True)
    )
    assert float(tag_loss(logits, tags)) == pytest.approx(expected / 9)
    changed = logits.clone()
    changed[:, 0] += 5
    assert torch.equal(tag_loss(changed, tags), tag_loss(logits, tags))  # the background has no tag


def test_least_activation_takes_the_lowest_quarter_of_each_image():
    maps = torch.zeros(2, 3, 2, 4)
    maps[0, 1] = torch.arange(8.0).reshape(2, 4)
    maps[0, 2] = 9  # not tagged
    maps[1, 2] = -torch.arange(8.0).reshape(2, 4)  # below the map of class 1 that is no tag
    tags = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert least_activation(maps, tags).item() == pytest.approx((0 + 1 + 0 + 0) / 4)
    assert least_activation(maps, tags, share=0.01).item() == 0.0  # one pixel at least


def test_equivariance_is_the_mean_difference():
    one, other = torch.tensor([[0.25, 1.0]]), torch.tensor([[0.75, 0.5]])
    assert equivariance_loss(one, other).item() == 0.5
    assert equivariance_loss(one, one).item() == 0.0


def test_cross_refinement_takes_the_largest_fifth():
    plain = torch.tensor([[0.5, 0.5], [0.4, 0.2], [0.3, 0.6], [0.0, 0.1], [0.0, 0.0]]).reshape(1, 5, 1, 2)
    refined = torch.zeros_like(plain)
    # differences: 0.5 0.5, 0.4 0, 0 0.6, 0 0, 0 0, of which a fifth are the two largest
    assert cross_refinement_loss(refined, plain).item() == pytest.approx((0.6 + 0.5) / 2)


def test_the_other_view_of_cross_refinement_is_a_constant():
    refined, plain = drawn(1, 3, 2, 2).requires_grad_(), drawn(1, 3, 2, 2, seed=1).requires_grad_()
    cross_refinement_loss(refined, plain).backward()
    assert plain.grad is None
    assert (refined.grad != 0).sum() == 2  # a fifth of 12 entries


def test_seam_terms_have_the_right_gradients():
    maps, tags = drawn(2, 3, 3, 3), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    for term in (
        lambda m: tag_loss(m, tags),
        lambda m: least_activation(m, tags),
        lambda m: equivariance_loss(confidences(m), confidences(m.flip(-1))),
        lambda m: cross_refinement_loss(m, torch.ones_like(m)),
    ):
        assert torch.autograd.gradcheck(term, maps.clone().requires_grad_())
