"""What is kept out of the compiler runs as it is written, and nothing is compiled along with it."""

import torch
from torch import nn

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
