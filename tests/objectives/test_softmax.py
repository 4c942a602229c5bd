"""The closed-form gradient of the mean cross entropy, and log-odds."""

import torch

from zsl_runner.objectives.softmax import log_odds, softmax_residual


def test_it_is_the_gradient_of_the_mean_cross_entropy():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(7, 4, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.randint(4, (7,), generator=generator)
    torch.nn.functional.cross_entropy(logits, labels).backward()
    torch.testing.assert_close(softmax_residual(logits.detach(), labels), logits.grad, rtol=1e-14, atol=1e-16)


def test_closed_form_of_equal_logits():
    expected = torch.tensor([[0.25 - 1, 0.25, 0.25, 0.25], [0.25, 0.25, 0.25, 0.25 - 1]]) / 2
    assert torch.equal(softmax_residual(torch.full((2, 4), 3.0), torch.tensor([0, 3])), expected)


def test_the_logits_are_not_changed_and_large_ones_do_not_overflow():
    logits = torch.tensor([[1e4, 0.0], [0.0, -1e4]])
    kept = logits.clone()
    residual = softmax_residual(logits, torch.tensor([1, 0]))
    assert torch.equal(logits, kept)
    assert torch.equal(residual, torch.tensor([[0.5, -0.5], [0.0, 0.0]]))


def test_log_odds_are_those_of_the_probabilities_and_keep_apart_what_rounds_to_one():
    logits = torch.randn(50, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(log_odds(logits), logits.softmax(1).logit(), rtol=1e-12, atol=1e-12)
    sure = log_odds(torch.tensor([[50.0, 0.0, 0.0], [60.0, 0.0, 0.0]]))
    torch.testing.assert_close(sure[:, 0], torch.tensor([50.0, 60.0]) - torch.tensor(2.0).log())
