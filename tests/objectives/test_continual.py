"""What holds a network near another."""

import pytest
import torch
from torch.nn.functional import cross_entropy, softmax

from zsl_runner.objectives.continual import (
    binary_distillation,
    distillation,
    distillation_by_head,
    feature_distance,
    quadratic_penalty,
    settled_weight,
    task_cross_entropy,
)


def randn(*shape, seed=0, **kind):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), **kind)


def test_two_pulls_settle_between_their_references():
    old, auxiliary = randn(5, 3, seed=1).double(), randn(5, 3, seed=2).double()
    of_old, of_auxiliary = (randn(5, 3, seed=seed).double().square() + 0.01 for seed in (3, 4))
    theta = torch.zeros(5, 3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([theta], max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-14)
    optimiser.param_groups[0]["tolerance_change"] = 0

    def loss():
        optimiser.zero_grad()
        value = 7 * quadratic_penalty([theta], [old], [of_old])
        value = value + 0.5 * quadratic_penalty([theta], [auxiliary], [of_auxiliary])
        value.backward()
        return value

    for _ in range(5):
        optimiser.step(loss)
    settled = settled_weight([7, 0.5], [of_old, of_auxiliary], [old, auxiliary])
    torch.testing.assert_close(theta.detach(), settled, rtol=0, atol=1e-5)
    between = (settled - old) / (auxiliary - old)
    assert ((between > 0) & (between < 1)).all()


def test_the_quadratic_penalty_has_the_gradient_of_its_formula():
    theta, reference, importance = randn(4, seed=1), randn(4, seed=2), randn(4, seed=3).abs()
    theta.requires_grad_()
    (gradient,) = torch.autograd.grad(quadratic_penalty([theta], [reference], [importance]), theta)
    torch.testing.assert_close(gradient, importance * (theta.detach() - reference))
    matrix, other, weights = (randn(3, 2, seed=seed, dtype=torch.float64) for seed in (4, 5, 6))
    matrix.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda value: quadratic_penalty([value, 2 * value], [other] * 2, [weights] * 2), matrix
    )


def test_distillation_is_the_cross_entropy_of_softened_outputs():
    student, teacher = randn(6, 4, seed=1), randn(6, 4, seed=2)
    expected = cross_entropy(student / 2, softmax(teacher / 2, 1))
    torch.testing.assert_close(distillation(student, teacher, 2.0), expected)


def test_distillation_has_no_gradient_where_student_and_teacher_agree():
    student = randn(6, 4).requires_grad_()
    for loss in (
        distillation(student, student.detach(), 2.0),
        distillation_by_head(student, student.detach(), 2.0, [1, 3]),
        binary_distillation(student, student.detach()),
        feature_distance(student, student.detach()),
    ):
        (gradient,) = torch.autograd.grad(loss, student)
        torch.testing.assert_close(gradient, torch.zeros(6, 4), rtol=0, atol=1e-6)


def test_a_constant_added_to_a_teacher_changes_nothing():
    student, teacher = randn(6, 4, seed=1), randn(6, 4, seed=2)
    torch.testing.assert_close(distillation(student, teacher + 5, 2.0), distillation(student, teacher, 2.0))


def test_the_teacher_gives_classes_it_does_not_know_nothing():
    student, teacher = randn(6, 4, seed=1), randn(6, 3, seed=2)
    targets = torch.cat([softmax(teacher / 2, 1), torch.zeros(6, 1)], 1)
    torch.testing.assert_close(distillation(student, teacher, 2.0), cross_entropy(student / 2, targets))
    student.requires_grad_()
    (gradient,) = torch.autograd.grad(distillation(student, teacher, 2.0), student)
    assert (gradient[:, 3] > 0).all()  # downhill, the new class loses


def test_heads_are_softened_one_by_one():
    student, teacher = randn(6, 5, seed=1), randn(6, 5, seed=2)
    expected = distillation(student[:, :2], teacher[:, :2], 2.0) + distillation(student[:, 2:], teacher[:, 2:], 2.0)
    torch.testing.assert_close(distillation_by_head(student, teacher, 2.0, [2, 3]), expected)
    assert not torch.isclose(distillation(student, teacher, 2.0), expected)


def test_binary_distillation_by_hand():
    student, teacher = torch.tensor([[0.0, 2.0]]), torch.tensor([[0.0, -1.0]])
    p, q = torch.sigmoid(student), torch.sigmoid(teacher)
    expected = -(q * p.log() + (1 - q) * (1 - p).log()).sum()
    torch.testing.assert_close(binary_distillation(student, teacher), expected)


def test_feature_distance_does_not_see_scale_and_offset():
    features, others = randn(6, 5, seed=1), randn(6, 5, seed=2)
    torch.testing.assert_close(feature_distance(3 * features + 2, others), feature_distance(features, others))
    assert float(feature_distance(features, -features)) == pytest.approx(4)
    assert torch.isfinite(feature_distance(torch.zeros(2, 5), others[:2]))


def test_a_row_decides_among_the_classes_of_its_own_task():
    logits, labels = randn(4, 5), torch.tensor([0, 1, 2, 4])
    tasks = torch.tensor([0, 0, 1, 1, 1])
    masked = task_cross_entropy(logits, labels, tasks == tasks[labels][:, None])
    parts = [cross_entropy(logits[:2, :2], labels[:2]), cross_entropy(logits[2:, 2:], labels[2:] - 2)]
    torch.testing.assert_close(masked, torch.stack(parts).mean())
    torch.testing.assert_close(task_cross_entropy(logits, labels), cross_entropy(logits, labels))


@pytest.mark.parametrize("loss", [lambda s, t: distillation(s, t, 2.0), binary_distillation, feature_distance])
def test_gradients_are_those_of_finite_differences(loss):
    student, teacher = randn(3, 4, seed=1, dtype=torch.float64), randn(3, 4, seed=2, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: loss(s, teacher), student.requires_grad_())


@pytest.mark.parametrize("loss", [lambda s, t: distillation(s, t, 2.0), binary_distillation, feature_distance])
def test_outputs_that_autocast_made_narrow_are_compared_in_single_precision(loss):
    student, teacher = (randn(64, 30, seed=seed).bfloat16() for seed in (1, 2))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = loss(student, teacher)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, loss(student.double(), teacher.double()).float(), rtol=1e-5, atol=0)
