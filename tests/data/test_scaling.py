"""Feature and class-vector scaling against closed forms and scikit-learn, and their edge cases."""

import pytest
import torch
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from zsl_runner.data.zero_shot.scaling import FIT_BLOCK, FeatureScaling, scale_class_vectors


@pytest.fixture
def matrix():
    generator = torch.Generator().manual_seed(0)
    return 5 * torch.rand(FIT_BLOCK + 500, 6, generator=generator) + torch.arange(6)


@pytest.fixture
def rows(matrix):
    """More than one block of training rows, and others that are not for fitting."""
    return torch.arange(0, FIT_BLOCK + 300)


@pytest.mark.parametrize(("mode", "reference"), [("minmax", MinMaxScaler()), ("standard", StandardScaler())])
def test_affine_scalings_agree_with_scikit_learn(matrix, rows, mode, reference):
    reference.fit(matrix[rows].double().numpy())
    expected = torch.from_numpy(reference.transform(matrix.double().numpy())).float()
    found = FeatureScaling.fit(matrix, rows, mode, 1.0).apply(matrix)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_rows_outside_the_training_set_may_leave_the_range(matrix, rows):
    matrix[-1] = 100
    scaled = FeatureScaling.fit(matrix, rows, "minmax", 1.0).apply(matrix)
    assert scaled[rows].min() == 0
    assert scaled[rows].max() <= 1 + 1e-6
    assert scaled[-1].min() > 1


def test_only_training_rows_are_fitted_on(matrix, rows):
    for mode in ("minmax", "standard", "center_l2", "center_l2_standard"):
        before = FeatureScaling.fit(matrix, rows, mode, 1.0).apply(matrix[rows])
        changed = matrix.clone()
        changed[rows[-1] + 1 :] = -1e4
        after = FeatureScaling.fit(changed, rows, mode, 1.0).apply(matrix[rows])
        assert torch.equal(before, after)


@pytest.mark.parametrize("radius", [0.5, 1.0, 100.0])
def test_l2_puts_rows_on_the_sphere_and_leaves_zero_rows_alone(matrix, rows, radius):
    matrix[3] = 0
    scaled = FeatureScaling.fit(matrix, rows, "l2", radius).apply(matrix)
    torch.testing.assert_close(scaled[4:].norm(dim=1), torch.full((len(matrix) - 4,), radius))
    assert torch.equal(scaled[3], torch.zeros(6))


def test_center_l2_and_its_standardised_form(matrix, rows):
    centred = matrix - matrix[rows].double().mean(0).float()
    expected = 2 * torch.nn.functional.normalize(centred, dim=1)
    found = FeatureScaling.fit(matrix, rows, "center_l2", 2.0).apply(matrix)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    last = FeatureScaling.fit(matrix, rows, "center_l2_standard", 2.0).apply(matrix)[rows].double()
    torch.testing.assert_close(last.mean(0), torch.zeros(6, dtype=torch.float64), rtol=0, atol=1e-5)
    torch.testing.assert_close(last.std(0, correction=0), torch.ones(6, dtype=torch.float64), rtol=1e-5, atol=0)
    # Standardising undoes the radius, which is why the configuration refuses one there.
    other = FeatureScaling.fit(matrix, rows, "center_l2_standard", 1.0).apply(matrix)[rows].double()
    torch.testing.assert_close(last, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", ["minmax", "standard"])
@pytest.mark.parametrize("value", [0.1, -3.3, 1e6])
def test_a_constant_feature_is_only_shifted(matrix, rows, mode, value):
    matrix[:, 2] = value
    matrix[-1, 2] = value + 1
    scaled = FeatureScaling.fit(matrix, rows, mode, 1.0).apply(matrix)
    assert torch.equal(scaled[rows, 2], torch.zeros(len(rows)))
    torch.testing.assert_close(scaled[-1, 2], torch.tensor(1.0), rtol=0, atol=1e-6)


@pytest.mark.parametrize("mode", ["minmax", "standard", "center_l2_standard"])
@pytest.mark.parametrize("spread", [1e-45, 1e-40, 1e-39])
def test_a_spread_without_a_finite_inverse_is_none(mode, spread):
    """Softmax outputs and other products underflow to such values in features of one's own."""
    matrix = torch.tensor([[0.0, 0.0, 1.0], [spread, 1.0, 2.0], [0.0, 2.0, 4.0]])
    scaled = FeatureScaling.fit(matrix, torch.arange(3), mode, None).apply(matrix)
    assert scaled.isfinite().all()
    torch.testing.assert_close(scaled[:, 0], torch.zeros(3), rtol=0, atol=1e-38)
    assert (scaled[:, 1:].amax(0) - scaled[:, 1:].amin(0) > 0.5).all()


def test_no_scaling_hands_out_the_values_as_they_are(matrix, rows):
    assert FeatureScaling.fit(matrix, rows, "none", 1.0).apply(matrix) is matrix


def test_unknown_modes_are_refused(matrix, rows):
    with pytest.raises(ValueError, match="unknown feature scaling"):
        FeatureScaling.fit(matrix, rows, "robust", 1.0)
    with pytest.raises(ValueError, match="unknown semantic scaling"):
        scale_class_vectors(matrix, "minmax", rows)


def test_class_vectors():
    vectors = torch.rand(6, 9, generator=torch.Generator().manual_seed(1))
    seen = torch.tensor([0, 2, 3, 5])
    assert scale_class_vectors(vectors, "none", seen) is vectors
    torch.testing.assert_close(scale_class_vectors(vectors, "l2", seen).norm(dim=1), torch.ones(6))
    torch.testing.assert_close(scale_class_vectors(vectors, "sqrt", seen).norm(dim=1), torch.full((6,), 3.0))
    standard = scale_class_vectors(vectors, "standard", seen)
    torch.testing.assert_close(standard[seen].mean(0), torch.zeros(9), rtol=0, atol=1e-6)
    torch.testing.assert_close(standard[seen].std(0, correction=0), torch.ones(9))
    assert standard[[1, 4]].abs().max() > 0


def test_an_attribute_that_no_seen_class_varies_does_not_explode():
    """0.1 has no exact float32 mean; its deviation must still be 0, not a rounding error to divide by."""
    vectors = torch.full((40, 1), 0.1)
    vectors[-1] = 0.5
    scaled = scale_class_vectors(vectors, "standard", torch.arange(39))
    torch.testing.assert_close(scaled[-1], torch.tensor([0.4]))
    assert torch.equal(scaled[:39], torch.zeros(39, 1))


def test_center_shifts_each_entry_and_keeps_the_relative_spread():
    vectors = torch.rand(6, 9, generator=torch.Generator().manual_seed(2)) * torch.arange(1, 10)
    seen = torch.arange(4)
    scaled = scale_class_vectors(vectors, "center", seen)
    torch.testing.assert_close(scaled[seen].mean(0), torch.zeros(9), atol=1e-5, rtol=0)
    assert scaled[seen].square().mean().item() == pytest.approx(1.0, rel=1e-5)
    ratio = (scaled[4] - scaled[5]) / (vectors[4] - vectors[5])
    torch.testing.assert_close(ratio, ratio[:1].expand(9))
    constant = scale_class_vectors(torch.ones(6, 2), "center", seen)
    assert torch.equal(constant, torch.zeros(6, 2))


@pytest.mark.parametrize("mode", ["standard", "center"])
def test_a_single_seen_class_only_shifts_class_vectors(mode):
    vectors = torch.rand(4, 3)
    assert torch.equal(scale_class_vectors(vectors, mode, torch.tensor([1])), vectors - vectors[1])


@pytest.mark.parametrize("mode", ["none", "minmax", "standard"])
def test_affine_scalings_are_undone_exactly_but_for_rounding(matrix, rows, mode):
    matrix[:, 2] = 7  # a constant feature
    scaling = FeatureScaling.fit(matrix, rows, mode, None)
    torch.testing.assert_close(scaling.undo(scaling.apply(matrix), matrix, rows), matrix, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 10])
def test_equal_seen_vectors_have_no_deviation_to_divide_by(count):
    """Their mean is rounded: what the difference leaves is no spread, and would blow up the other classes."""
    vectors = torch.cat([torch.tensor([[0.1, 0.7, -0.3]]).expand(count, 3), torch.tensor([[0.4, 0.2, 0.9]])])
    scaled = scale_class_vectors(vectors, "center", torch.arange(count))
    torch.testing.assert_close(scaled, vectors - vectors[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("mode", ["l2", "center_l2", "center_l2_standard"])
def test_undoing_a_projection_keeps_directions_and_gives_the_mean_norm(matrix, rows, mode):
    scaling = FeatureScaling.fit(matrix, rows, mode, 2.5)
    undone = scaling.undo(scaling.apply(matrix), matrix, rows)
    origin = 0 if mode == "l2" else matrix[rows].mean(0)
    before, after = matrix - origin, undone - origin
    torch.testing.assert_close(torch.cosine_similarity(before, after), torch.ones(len(matrix)), rtol=1e-4, atol=1e-4)
    typical = before[rows].norm(dim=1).mean().expand(len(matrix))
    torch.testing.assert_close(after.norm(dim=1), typical, rtol=1e-4, atol=1e-4)
