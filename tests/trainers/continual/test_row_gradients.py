"""Importances of weights, from the gradients of single rows."""

import pytest
import torch
from torch import nn

from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.models.task_heads.conf import CosineHeadsConf
from zsl_runner.models.task_heads.cosine import CosineNetwork
from zsl_runner.models.task_heads.model import HeadsNetwork, convolutions, hidden_layers
from zsl_runner.objectives.importance import accumulated, log_likelihood, output_size
from zsl_runner.trainers.continual.regularisers import fisher_sums
from zsl_runner.trainers.continual.row_gradients import RowGradients, batch_gradient

ORDER = TaskOrder((2, 3))


def rows(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=["perceptron", "convolutions", "cosines"])
def network_and_rows(request):
    torch.manual_seed(0)
    if request.param == "perceptron":
        return HeadsNetwork(nn.Sequential(nn.Flatten(), *hidden_layers(6, [7, 5])), 5, ORDER), rows(20, 6)
    if request.param == "convolutions":
        return HeadsNetwork(convolutions((1, 8, 8), [3, 4], 5), 5, ORDER), rows(20, 1, 8, 8)
    network = CosineNetwork(6, 4, CosineHeadsConf(hidden=[7], width=5))
    network.class_vectors = rows(5, 4, seed=3)
    return network, rows(20, 6)


def one_by_one(network, x, values):
    """Return the gradients of each row as a list of lists, by running the network on one row at a time."""
    found = []
    for row, value in zip(x, values, strict=True):
        gradients = torch.autograd.grad(value(row[None])[0], list(network.parameters()), allow_unused=True)
        both = zip(gradients, network.parameters(), strict=True)
        found.append([torch.zeros_like(p) if g is None else g for g, p in both])
    return found


@pytest.mark.parametrize("classes", [range(5), range(2, 5)])
@pytest.mark.parametrize("magnitude", [torch.square, torch.abs])
@pytest.mark.parametrize("weighted", [False, True])
def test_sums_are_those_of_rows_taken_one_by_one(network_and_rows, classes, magnitude, weighted):
    network, x = network_and_rows
    targets = torch.arange(len(x)) % len(classes)
    weights = rows(len(x), seed=5).abs() if weighted else None
    found = RowGradients(network, x, classes).sums(log_likelihood, targets, magnitude, weights)
    values = [lambda row, t=t: log_likelihood(network(row, classes), t[None]) for t in targets]
    each = one_by_one(network, x, values)
    factors = torch.ones(len(x)) if weights is None else weights
    for place, sums in enumerate(found):
        expected = sum(f * magnitude(gradients[place]) for f, gradients in zip(factors, each, strict=True))
        torch.testing.assert_close(sums, expected, rtol=1e-4, atol=1e-6)


def softmax_layer():
    network = HeadsNetwork(nn.Sequential(nn.Flatten()), 2, TaskOrder((3,)))
    with torch.no_grad():
        network.heads[0].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
        network.heads[0].bias.zero_()
    return network, torch.tensor([[1.0, 2.0], [0.5, -1.0]]), torch.tensor([0, 2])


@pytest.mark.parametrize("estimator", ["empirical", "exact"])
def test_the_fisher_information_of_a_softmax_layer_is_the_analytic_one(estimator):
    network, x, targets = softmax_layer()
    p = network(x, range(3)).detach().softmax(1)
    found, offsets = fisher_sums(network, x, targets, range(3), estimator, torch.Generator())
    variances = p * (1 - p)  # of a one-hot draw, the expectation
    errors = variances if estimator == "exact" else (nn.functional.one_hot(targets, 3) - p).square()
    torch.testing.assert_close(found, errors.T @ x.square())
    torch.testing.assert_close(offsets, errors.sum(0))


def test_drawn_classes_agree_with_the_expectation(network_and_rows):
    network, x = network_and_rows
    many = x[:1].expand(4000, *x.shape[1:])
    targets = torch.zeros(4000, dtype=torch.int64)
    generator = torch.Generator().manual_seed(0)
    sampled = fisher_sums(network, many, targets, range(5), "sampled", generator)
    exact = fisher_sums(network, x[:1], targets[:1], range(5), "exact", generator)
    total = sum(float(value.sum()) for value in exact)
    assert sum(float(value.sum()) for value in sampled) / 4000 == pytest.approx(total, rel=0.1)


def test_the_square_of_a_batch_s_mean_is_another_number(network_and_rows):
    network, x = network_and_rows
    targets = torch.arange(len(x)) % 5
    batched = fisher_sums(network, x, targets, range(5), "batched", torch.Generator())
    gradients = torch.autograd.grad(log_likelihood(network(x, range(5)), targets).mean(), list(network.parameters()))
    for found, gradient in zip(batched, gradients, strict=True):
        torch.testing.assert_close(found, len(x) * gradient.square())
    single = fisher_sums(network, x, targets, range(5), "empirical", torch.Generator())
    assert sum(float(value.sum()) for value in batched) < sum(float(value.sum()) for value in single)
    assert all((value >= 0).all() for value in (*batched, *single))


def test_of_one_row_batched_and_empirical_agree(network_and_rows):
    network, x = network_and_rows
    both = [
        fisher_sums(network, x[:1], torch.tensor([1]), range(5), estimator, torch.Generator())
        for estimator in ("batched", "empirical")
    ]
    for one, other in zip(*both, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)


def test_frozen_networks_have_importances_too(network_and_rows):
    network, x = network_and_rows
    targets = torch.arange(len(x)) % 5
    before = RowGradients(network, x, range(5)).sums(log_likelihood, targets, torch.square)
    network.requires_grad_(False)
    after = RowGradients(network, x, range(5)).sums(log_likelihood, targets, torch.square)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert all(parameter.grad is None for parameter in network.parameters())


def test_sizes_of_outputs():
    logits = torch.tensor([[3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    assert output_size(logits, squared=False).tolist() == [5.0]
    assert output_size(logits, squared=True).tolist() == [25.0]
    zero = torch.zeros(1, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(output_size(zero, squared=False).sum(), zero)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("rule", "decay", "expected"),
    [("sum", 1.0, 2 + 4 + 8), ("average", 0.5, 5.5), ("average_from_zero", 0.5, 5.25), ("online", 0.5, 0.5 + 2 + 8)],
)
def test_importances_of_tasks_are_put_together(rule, decay, expected):
    total = [torch.tensor(0.0)]
    for place, new in enumerate((2.0, 4.0, 8.0)):
        total = accumulated(total, [torch.tensor(new)], rule, decay, first=place == 0)
    assert float(total[0]) == pytest.approx(expected)


def test_batch_gradients_are_in_the_order_of_parameters(network_and_rows):
    network, x = network_and_rows
    found = batch_gradient(network, x, range(5), log_likelihood, torch.arange(len(x)) % 5)
    assert [g.shape for g in found] == [p.shape for p in network.parameters()]
