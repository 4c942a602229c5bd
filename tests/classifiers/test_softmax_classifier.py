"""The trained softmax classifier against autograd, and what storage of its inputs costs."""

import dataclasses

import pytest
import torch

from tests.draws import generator
from zsl_runner.classifiers.conf import Schedule
from zsl_runner.classifiers.softmax import SoftmaxClassifier, fit_softmax

SCHEDULE = Schedule(epochs=4, lr=0.01, batch_size=16, betas=(0.5, 0.999), init_std=0.02)


def problem(rows=75, width=12, classes=5, spread=1.0):
    draws = generator(3)
    labels = torch.arange(rows) % classes
    centres = torch.randn(classes, width, generator=draws)
    return centres[labels] + spread * torch.randn(rows, width, generator=draws), labels


def fit_by_autograd(inputs, labels, classes, schedule, draws):
    linear = torch.nn.Linear(inputs.shape[1], classes)
    with torch.no_grad():
        linear.weight.copy_(schedule.init_std * torch.randn(linear.weight.shape, generator=draws))
        linear.bias.zero_()
    optimiser = torch.optim.Adam(linear.parameters(), lr=schedule.lr, betas=schedule.betas)
    for _ in range(schedule.epochs):
        order = torch.randperm(len(inputs), generator=draws)
        for start in range(0, len(inputs), schedule.batch_size):
            rows = order[start : start + schedule.batch_size]
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(linear(inputs[rows]), labels[rows]).backward()
            optimiser.step()
    return linear


def test_it_is_what_autograd_trains_on_the_same_batches():
    inputs, labels = problem()  # 75 rows: the last batch of an epoch has 11
    found = fit_softmax(inputs, labels, 5, SCHEDULE, generator())
    reference = fit_by_autograd(inputs, labels, 5, SCHEDULE, generator())
    torch.testing.assert_close(found.weight, reference.weight.detach(), rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(found.bias, reference.bias.detach(), rtol=1e-5, atol=2e-6)
    assert (found.weight - SCHEDULE.init_std * torch.randn(5, 12, generator=generator())).abs().max() > 0.05


def test_float16_inputs_cost_their_rounding_and_nothing_else():
    inputs, labels = problem()
    kept = inputs.half()
    found = fit_softmax(kept, labels, 5, SCHEDULE, generator())
    assert torch.equal(found.weight, fit_softmax(kept.float(), labels, 5, SCHEDULE, generator()).weight)
    exact = fit_softmax(inputs, labels, 5, SCHEDULE, generator())
    torch.testing.assert_close(found.weight, exact.weight, rtol=0, atol=2e-3)


def test_bfloat16_products_find_the_same_classes():
    inputs, labels = problem(rows=600)
    schedule = dataclasses.replace(SCHEDULE, epochs=15)
    exact = fit_softmax(inputs, labels, 5, schedule, generator())
    narrow = fit_softmax(inputs.bfloat16(), labels, 5, schedule, generator())
    assert narrow.weight.dtype == torch.float32
    agreement = (exact.predict(inputs) == narrow.predict(inputs)).float().mean()
    assert agreement >= 0.98
    assert (exact.weight - narrow.weight).norm() < 0.02 * exact.weight.norm()


@pytest.mark.parametrize("storage", [torch.float32, torch.float16, torch.bfloat16])
def test_separable_classes_are_learned_in_every_storage(storage):
    inputs, labels = problem(spread=0.1)
    found = fit_softmax(inputs.to(storage), labels, 5, dataclasses.replace(SCHEDULE, epochs=20), generator())
    assert torch.equal(found.predict(inputs), labels)


def test_equal_seeds_give_equal_bits_and_no_other_generator_moves():
    inputs, labels = problem()
    state = torch.get_rng_state()
    first = fit_softmax(inputs, labels, 5, SCHEDULE, generator(1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.weight, fit_softmax(inputs, labels, 5, SCHEDULE, generator(1)).weight)
    assert not torch.equal(first.weight, fit_softmax(inputs, labels, 5, SCHEDULE, generator(2)).weight)


def test_each_epoch_is_shown_and_watching_changes_nothing():
    inputs, labels = problem()
    seen = []
    watched = fit_softmax(inputs, labels, 5, SCHEDULE, generator(), lambda c: seen.append(c.copy()))
    assert torch.equal(watched.weight, fit_softmax(inputs, labels, 5, SCHEDULE, generator()).weight)
    assert len(seen) == SCHEDULE.epochs
    assert torch.equal(seen[-1].weight, watched.weight)
    shorter = fit_softmax(inputs, labels, 5, dataclasses.replace(SCHEDULE, epochs=2), generator())
    assert torch.equal(seen[1].weight, shorter.weight)


def test_a_batch_larger_than_the_data_is_all_of_it():
    inputs, labels = problem()
    one = dataclasses.replace(SCHEDULE, batch_size=75)
    more = dataclasses.replace(SCHEDULE, batch_size=1000)
    found = fit_softmax(inputs, labels, 5, more, generator())
    assert torch.equal(found.weight, fit_softmax(inputs, labels, 5, one, generator()).weight)


def test_scores_are_log_probabilities_and_agree_with_predictions():
    inputs, labels = problem()
    found = fit_softmax(inputs, labels, 5, SCHEDULE, generator())
    scores = found.log_probabilities(inputs)
    torch.testing.assert_close(scores.exp().sum(1), torch.ones(75))
    assert torch.equal(scores.argmax(1), found.predict(inputs))


def test_one_class_has_probability_one():
    found = fit_softmax(torch.randn(6, 3, generator=generator()), torch.zeros(6).long(), 1, SCHEDULE, generator())
    assert torch.equal(found.log_probabilities(torch.ones(2, 3)), torch.zeros(2, 1))


def test_a_copy_is_independent():
    original = SoftmaxClassifier(torch.ones(2, 3), torch.zeros(2))
    copy = original.copy()
    original.weight.zero_()
    assert torch.equal(copy.weight, torch.ones(2, 3))
