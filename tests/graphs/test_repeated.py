"""A repeated computation gives the same numbers whether Python makes it or a graph."""

import pytest
import torch

from tests.training.emulated_graph import EmulatedGraph
from zsl_runner.classifiers import softmax
from zsl_runner.classifiers.conf import Schedule
from zsl_runner.classifiers.softmax import fit_softmax
from zsl_runner.graphs.repeated import Repeated, allow_graphs


def counter(**options):
    total, calls = torch.zeros(()), []

    def compute():
        calls.append(None)
        total.add_(1)

    return total, calls, Repeated(compute, torch.device("cpu"), 100, **options)


def test_python_takes_part_in_the_first_calls_and_the_capture_alone():
    total, calls, repeated = counter(graph=EmulatedGraph)
    for _ in range(10):
        repeated()
    assert (float(total), len(calls)) == (10.0, 3)


class NoMemory:
    def capture(self, compute, generators):
        compute()
        raise torch.OutOfMemoryError("CUDA out of memory.\nDetails")


def test_what_cannot_be_captured_is_called_every_time(caplog):
    _, calls, repeated = counter(graph=NoMemory)
    for _ in range(10):
        repeated()
    assert len(calls) == 11  # and once to try
    assert caplog.messages == ["a repeated computation is not replayed: CUDA out of memory."]


def test_without_cuda_every_call_is_made():
    total, calls, repeated = counter()
    for _ in range(10):
        repeated()
    assert (float(total), len(calls)) == (10.0, 10)


def fitted(device, **options):
    generator = torch.Generator(device).manual_seed(0)
    inputs, labels = torch.rand(70, 6, generator=generator, device=device), torch.arange(70, device=device) % 4
    schedule = Schedule(9, 1e-2, 10 if options.get("even") else 16, (0.9, 0.999), 0.1)
    return fit_softmax(inputs, labels, 4, schedule, generator)


@pytest.mark.parametrize("even", [True, False])
def test_a_classifier_is_the_same_to_the_bit(even, monkeypatch):
    plain = fitted("cpu", even=even)
    monkeypatch.setattr(softmax, "Repeated", lambda *arguments: Repeated(*arguments, graph=EmulatedGraph))
    captured = fitted("cpu", even=even)
    assert torch.equal(plain.weight, captured.weight)
    assert torch.equal(plain.bias, captured.bias)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("even", [True, False])
def test_on_cuda_too(even):
    try:
        allow_graphs(False)
        plain = fitted("cuda", even=even)
    finally:
        allow_graphs(True)
    captured = fitted("cuda", even=even)
    assert torch.equal(plain.weight, captured.weight)
    assert torch.equal(plain.bias, captured.bias)
