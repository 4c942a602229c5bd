"""Prototypes from the most confident pixels of a batch."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zsl_runner.objectives.class_maps import confidences
from zsl_runner.objectives.prototypes import pixel_weights, prototypes


def batch(seed=0, images=3, classes=4, width=5, side=3):
    """Return projected pixels, confidences and tags; the last class is in no image."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.rand(images, width, side, side, generator=generator, dtype=torch.float64)
    scores = confidences(torch.randn(images, classes, side, side, generator=generator, dtype=torch.float64))
    tags = (torch.rand(images, classes, generator=generator) < 0.6).double()
    tags[0, :-1], tags[:, -1] = 1, 0
    return features, scores, tags


def test_two_classes_by_hand():
    """Two images of 1 x 2 pixels; of each class the two most confident pixels, in different images."""
    features = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[4.0, 0.0], [0.0, 2.0]]]).reshape(2, 2, 1, 2)
    weights = torch.tensor([[[0.2, 0.3], [0.6, 0.1]], [[0.1, 0.7], [0.9, 0.0]]]).reshape(2, 2, 1, 2)
    found = prototypes(features, weights, 2)
    # class 0: 0.3 (0, 1) + 0.7 (0, 2); class 1: 0.6 (1, 0) + 0.9 (4, 0)
    torch.testing.assert_close(found.vectors, torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    mixed = prototypes(features, weights, 3)
    # and 0.2 (1, 0); 0.1 (0, 1), each over the sum of its weights
    expected = torch.tensor([[0.2, 1.7], [4.2, 0.1]])
    torch.testing.assert_close(mixed.vectors, expected / expected.norm(dim=1, keepdim=True))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31), st.integers(1, 27))
def test_prototypes_are_the_weighted_means_of_the_top_pixels_of_the_batch(seed, count):
    features, scores, tags = batch(seed)
    weights = pixel_weights(scores, tags)
    found = prototypes(features, weights, count)
    pixels = features.permute(0, 2, 3, 1).reshape(-1, 5)
    for number in range(5):
        flat = weights[:, number].flatten()
        best = flat.argsort(descending=True)[:count]
        mean = (flat[best, None] * pixels[best]).sum(0)
        assert bool(found.valid[number]) == bool(flat[best].sum() > 0)
        if found.valid[number] and len(flat[flat == flat[best[-1]]]) == 1:
            torch.testing.assert_close(found.vectors[number], mean / mean.norm(), rtol=1e-9, atol=1e-9)
    norms = found.vectors.norm(dim=1)
    torch.testing.assert_close(norms, found.valid.double(), rtol=0, atol=1e-9)
    assert not found.valid[-1]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31), st.integers(1, 27), st.permutations(range(3)))
def test_the_order_of_images_and_pixels_does_not_matter_even_with_ties(seed, count, order):
    features, scores, tags = batch(seed)
    weights = pixel_weights((4 * scores).round() / 4, tags)
    expected = prototypes(features, weights, count)
    moved = prototypes(features[order].flip(-1), weights[order].flip(-1), count)
    torch.testing.assert_close(moved.vectors, expected.vectors, rtol=1e-9, atol=1e-9)
    assert torch.equal(moved.valid, expected.valid)


def test_ties_share_the_places_that_are_left_or_the_first_come_in():
    features = torch.eye(4).reshape(1, 4, 1, 4)
    weights = torch.tensor([0.8, 0.4, 0.4, 0.4]).reshape(1, 1, 1, 4)
    expected = torch.tensor([[0.8, 0.4 / 3, 0.4 / 3, 0.4 / 3]])
    shared = prototypes(features, weights, 2)
    torch.testing.assert_close(shared.vectors, expected / expected.norm())
    first = prototypes(features, weights, 2, ties="first")
    torch.testing.assert_close(first.vectors, torch.tensor([[2.0, 1.0, 0.0, 0.0]]) / 5**0.5)


def test_weights_by_hand():
    scores = torch.tensor([[0.9, 0.2], [0.5, 0.0]]).reshape(1, 2, 1, 2)
    tags = torch.tensor([[1.0, 0.0]])
    assert pixel_weights(scores, tags).flatten(2).tolist() == [
        [pytest.approx([0.1, 0.8]), pytest.approx([0.9, 0.2]), [0.0, 0.0]]
    ]
    released = pixel_weights(scores, tags, background="constant", threshold=0.25, absent_masked=False)
    assert released.flatten(2).tolist() == [[[0.25, 0.25], pytest.approx([0.9, 0.2]), [0.5, 0.0]]]


def test_the_released_form_gives_absent_classes_prototypes_and_a_background_of_the_first_pixels():
    features, scores, tags = batch()
    found = prototypes(features, pixel_weights(scores, tags), 2)
    released = prototypes(features, pixel_weights(scores, tags, "constant", 0.2, absent_masked=False), 2, ties="first")
    assert found.valid.tolist() == [True, True, True, True, False]
    assert released.valid.all()
    first = features[0, :, 0, :2].sum(1)
    torch.testing.assert_close(released.vectors[0], first / first.norm())


def test_raw_confidences_of_a_map_without_activation_give_no_prototype():
    features, _, tags = batch()
    for clamped in (True, False):
        nothing = confidences(-torch.ones(3, 4, 3, 3).double(), clamped=clamped)
        found = prototypes(features, pixel_weights(nothing, tags), 4)
        assert found.valid.tolist() == [True, False, False, False, False]


def test_pixels_without_direction_give_no_prototype():
    features, scores, tags = batch()
    found = prototypes(torch.zeros_like(features), pixel_weights(scores, tags), 4)
    assert not found.valid.any()
    assert torch.equal(found.vectors, torch.zeros_like(found.vectors))


def test_prototypes_are_constants():
    features, scores, tags = batch()
    found = prototypes(features.requires_grad_(), pixel_weights(scores.requires_grad_(), tags), 4)
    assert not found.vectors.requires_grad


@pytest.mark.parametrize("count", [0, 28])
def test_more_pixels_than_there_are_cannot_be_asked_for(count):
    features, scores, tags = batch()
    with pytest.raises(
        ValueError, match=f"expected 1 to 27 pixels for a prototype, as many as there are, found {count}"
    ):
        prototypes(features, pixel_weights(scores, tags), count)


def test_misspelt_switches_are_refused():
    features, scores, tags = batch()
    with pytest.raises(ValueError, match="unknown background 'compliment'"):
        pixel_weights(scores, tags, "compliment")
    with pytest.raises(ValueError, match="unknown treatment of ties 'last'"):
        prototypes(features, pixel_weights(scores, tags), 1, "last")
