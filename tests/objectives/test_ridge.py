import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from zsl_runner.objectives.ridge import (
    bilinear_map,
    centred,
    class_means,
    label_cross,
    moments,
    penalised_solve,
    residual_square,
)


def random(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


X, T = random(0, 40, 6) + 1, random(1, 40, 3)
A, LABELS = random(2, 5, 3), torch.arange(40) % 5


def test_blocks_add_up_to_the_whole():
    whole = moments([(X, T)])
    parts = moments(zip(X.split(7), T.split(7), strict=True))
    assert parts.rows == whole.rows == 40
    for one, other in zip(parts[:-1], whole[:-1], strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(whole.gram, X.T @ X)
    torch.testing.assert_close(whole.cross, X.T @ T)


def test_centred_sums_are_those_of_centred_rows():
    expected = moments([(X - X.mean(0), T - T.mean(0))])
    found = centred(moments([(X, T)]))
    for one, other in zip(found[:-1], expected[:-1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_ridge_agrees_with_scikit_learn():
    sums = centred(moments([(X, T)]))
    found = penalised_solve(sums.gram, sums.cross, penalty=2.5)
    np.testing.assert_allclose(found.numpy(), Ridge(alpha=2.5).fit(X.numpy(), T.numpy()).coef_.T, rtol=1e-8)


def test_a_penalty_that_rounding_swallows_is_refused():
    gram = torch.ones(3, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match="found 1e-30"):
        penalised_solve(gram, gram, penalty=1e-30)


def test_bilinear_map_minimises_its_objective():
    """The objective of ESZSL with its penalties: ||X V A^T - Y||^2 + g ||V A^T||^2 + l ||X V||^2 + g l ||V||^2."""
    signs = 2.0 * torch.nn.functional.one_hot(LABELS, 5).double() - 1
    gamma, lambda_ = 3.0, 0.5

    def objective(v):
        return (
            (X @ v @ A.T - signs).square().sum()
            + gamma * (v @ A.T).square().sum()
            + lambda_ * (X @ v).square().sum()
            + gamma * lambda_ * v.square().sum()
        )

    v = bilinear_map(X.T @ X, X.T @ signs @ A, A, feature_penalty=gamma, class_penalty=lambda_).requires_grad_()
    (gradient,) = torch.autograd.grad(objective(v), v)
    assert gradient.abs().max() < 1e-10


@pytest.mark.parametrize("negative", [-1.0, 0.0])
def test_label_cross_is_the_product_with_the_label_matrix(negative):
    y = torch.full((40, 5), negative, dtype=torch.float64)
    y[torch.arange(40), LABELS] = 1.0
    sums = moments([(X, A[LABELS])])
    torch.testing.assert_close(label_cross(sums.cross, sums.total, A, negative=negative), X.T @ y @ A)


def test_class_means_over_blocks():
    blocks = zip(X.split(9), LABELS.split(9), strict=True)
    found = class_means(blocks, 7)
    for label in range(5):
        torch.testing.assert_close(found[label], X[label == LABELS].mean(0))
    assert found[5:].isnan().all()


def test_residual_square_is_the_squared_error():
    weights = random(3, 6, 3)
    torch.testing.assert_close(residual_square(moments([(X, T)]), weights), (X @ weights - T).square().sum())


def test_gradients():
    gram, cross, vectors = (X.T @ X), X.T @ T, A.clone().requires_grad_()
    cross.requires_grad_()
    assert torch.autograd.gradcheck(lambda c: penalised_solve(gram, c, penalty=1.0), (cross,))
    assert torch.autograd.gradcheck(
        lambda c, a: bilinear_map(gram, c, a, feature_penalty=1.0, class_penalty=1.0), (cross, vectors)
    )
    assert torch.autograd.gradcheck(lambda c, a: label_cross(c, X.sum(0), a, negative=-1.0), (cross, vectors))


def test_one_row_and_a_singular_gram_are_solvable():
    sums = moments([(X[:1], T[:1])])
    assert penalised_solve(sums.gram, sums.cross, penalty=1e-6).isfinite().all()


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="at least one block"):
        moments([])
    with pytest.raises(ValueError, match="at least one block"):
        class_means([], 3)
