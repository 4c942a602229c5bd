"""Class priors from predictions, label shift and the error of an estimate."""

import math

import pytest
import torch

from zsl_runner.class_prior.predictions import confusion_shares, label_shift_prior, prediction_prior, prior_error


def test_classes_that_are_never_predicted_have_share_zero():
    prior = prediction_prior(torch.tensor([0, 2, 2, 0, 0]), 5)
    torch.testing.assert_close(prior, torch.tensor([0.6, 0, 0.4, 0, 0]))


def test_confusion_shares_count_predicted_by_true():
    votes = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.25, 0.75], [1.0, 0.0]])
    shares = confusion_shares(torch.tensor([0, 0, 1, 1]), votes)
    assert torch.equal(shares, torch.tensor([[1.0, 1.25], [1.0, 0.75]], dtype=torch.float64) / 4)


CONDITIONAL = torch.tensor([[0.8, 0.1, 0.2], [0.1, 0.7, 0.1], [0.1, 0.2, 0.7]], dtype=torch.float64)


def test_a_known_confusion_is_inverted_exactly_without_a_ridge():
    source = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    target = torch.tensor([0.1, 0.2, 0.7], dtype=torch.float64)
    prior = label_shift_prior(CONDITIONAL * source, CONDITIONAL @ target, source, 0.0)
    torch.testing.assert_close(prior.double(), target, rtol=0, atol=1e-7)


def test_the_ridge_closed_form_of_a_perfect_classifier():
    # C = I/3, m = target: w = (1/9 + ridge)^-1 target / 3, and the factor cancels.
    target = torch.tensor([0.1, 0.2, 0.7])
    third = torch.full((3,), 1 / 3)
    prior = label_shift_prior(torch.eye(3) / 3, target, third, 0.25)
    torch.testing.assert_close(prior, target)


def test_the_ridge_solution_of_a_two_class_confusion():
    confusion, predicted, ridge = torch.tensor([[0.4, 0.1], [0.1, 0.4]]), torch.tensor([0.7, 0.3]), 0.03
    # C'C + ridge = [[0.20, 0.08], [0.08, 0.20]], C'm = [0.31, 0.19]
    w = [(0.20 * 0.31 - 0.08 * 0.19) / 0.0336, (0.20 * 0.19 - 0.08 * 0.31) / 0.0336]
    prior = label_shift_prior(confusion, predicted, torch.full((2,), 0.5), ridge)
    assert prior.tolist() == pytest.approx([w[0] / sum(w), w[1] / sum(w)], rel=1e-6)


def test_negative_weights_are_clipped_and_the_rest_renormalised():
    source = torch.full((3,), 1 / 3, dtype=torch.float64)
    impossible = torch.tensor([0.05, 0.15, 0.8], dtype=torch.float64)  # no mixture of the columns
    unclipped = torch.linalg.solve(CONDITIONAL, impossible)
    assert unclipped.min() < 0
    prior = label_shift_prior(CONDITIONAL / 3, impossible, source, 0.0)
    expected = unclipped.clamp_min(0) / unclipped.clamp_min(0).sum()
    torch.testing.assert_close(prior.double(), expected, rtol=0, atol=1e-7)
    assert prior.min() == 0


def test_error_in_l1_and_nats():
    uniform, truth = torch.tensor([0.5, 0.5]), torch.tensor([0.75, 0.25])
    error = prior_error(uniform, truth)
    assert error["l1"] == pytest.approx(0.5)
    assert error["kl"] == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    assert prior_error(truth, truth) == {"l1": 0.0, "kl": 0.0}


def test_a_missed_class_costs_infinity_and_an_absent_one_nothing():
    assert prior_error(torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.5]))["kl"] == math.inf
    assert prior_error(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]))["kl"] == pytest.approx(math.log(2))
