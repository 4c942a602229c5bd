"""What is kept out of the compiler runs as it is written, and nothing is compiled along with it."""

import pytest
import torch
from torch import nn

from zsl_runner.graphs import uncompiled as plain
from zsl_runner.graphs.uncompiled import uncompiled


class Halves(nn.Module):
    """Adds one, doubles out of the compiler's sight, adds one again."""

    def __init__(self, calls):
        super().__init__()
        self.calls = calls

    def forward(self, x):
        return self._double(x + 1) + 1

    @uncompiled
    def _double(self, x):
        self.calls.append(torch.compiler.is_compiling())
        return _times(x, 2)


def _times(x, factor):
    return x * factor


def compiled(module, graphs):
    def backend(graph, _inputs):
        graphs.append([node.target.__name__ for node in graph.graph.nodes if node.op == "call_function"])
        return graph.forward

    return torch.compile(module, backend=backend)


def test_it_is_called_and_never_traced():
    calls, graphs = [], []
    module = compiled(Halves(calls), graphs)
    for _ in range(3):
        assert module(torch.ones(2)).tolist() == [5.0, 5.0]
    assert calls == [False] * 3
    assert graphs == [["add"], ["add"]]  # before and after, once each; what it calls is in neither


def test_without_a_compiler_it_is_the_function():
    calls = []
    assert Halves(calls)(torch.ones(2)).tolist() == [5.0, 5.0]
    assert calls == [False]
    assert Halves._double.__name__ == "_double"


def trained(optimiser, parameters, steps):
    generator = torch.Generator().manual_seed(len(steps))
    for _ in steps:
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimiser.step()
        optimiser.zero_grad()
    return parameters


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Adam", {"betas": (0.5, 0.9), "weight_decay": 0.1}),
        ("AdamW", {"weight_decay": 0.1}),
        ("SGD", {"momentum": 0.9}),
    ],
)
def test_it_is_torchs_to_the_bit_and_takes_up_its_state(name, options):
    ends = []
    for first, second in [(torch.optim, torch.optim), (plain, plain), (torch.optim, plain)]:
        parameters = [torch.nn.Parameter(torch.linspace(-1, 1, 5)), torch.nn.Parameter(torch.ones(2, 3))]
        before = getattr(first, name)(parameters, lr=0.1, fused=True, **options)
        trained(before, parameters, range(3))
        after = getattr(second, name)(parameters, lr=1.0, fused=True)
        after.load_state_dict(before.state_dict())
        assert all(parameter.grad is None for parameter in parameters)
        ends.append(torch.cat([parameter.detach().flatten() for parameter in trained(after, parameters, range(4))]))
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[0], ends[2])
    assert not torch.equal(ends[0], torch.cat([torch.linspace(-1, 1, 5), torch.ones(6)]))
