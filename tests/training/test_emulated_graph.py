"""The emulated graph refuses what CUDA cannot capture, also where a dispatcher on the CPU shows nothing of it."""

import pytest
import torch

from tests.training.emulated_graph import EmulatedGraph

X, SHARES = torch.arange(6.0).reshape(2, 3), torch.full((4,), 0.25)
WAITING = {
    "number": lambda: float(X.sum()),
    "decision": lambda: bool(X.any()),
    "positions": lambda: X.nonzero(),
    "mask": lambda: X[X > 2],
    "put at a mask": lambda: X.clone().index_put_((X > 2,), X[0, 0]),
    "select": lambda: X.masked_select(X > 2),
    "unique": lambda: X.unique(),
    "counts": lambda: torch.bincount(torch.tensor([0, 1])),
    "repeats": lambda: torch.repeat_interleave(torch.tensor([1, 2])),
    "factor": lambda: torch.linalg.cholesky(torch.eye(2)),
    "one draw": lambda: torch.multinomial(SHARES, 1, replacement=True),
    "draws of different ones": lambda: torch.multinomial(SHARES, 2),
}


@pytest.mark.parametrize("waiting", WAITING)
def test_what_waits_is_refused(waiting):
    WAITING[waiting]()
    with pytest.raises(RuntimeError, match="waits for the device"):
        EmulatedGraph().capture(WAITING[waiting], ())


NOT_WAITING = {
    "positions given": lambda: X[torch.tensor([0])],
    "where": lambda: torch.where(X > 2, X, 0),
    "repeats of a known sum": lambda: torch.repeat_interleave(torch.tensor([1, 2]), output_size=3),
    "factor unchecked": lambda: torch.linalg.cholesky_ex(torch.eye(2)),
    "draws": lambda: torch.multinomial(SHARES, 2, replacement=True),
}


@pytest.mark.parametrize("free", NOT_WAITING)
def test_what_does_not_wait_is_captured(free):
    EmulatedGraph().capture(NOT_WAITING[free], ())


def test_numbers_from_a_generator_that_the_graph_does_not_know_are_refused():
    generator = torch.Generator()

    def draw(count):
        return lambda: torch.rand(count, generator=generator)

    EmulatedGraph().capture(draw(2), [generator])
    EmulatedGraph().capture(draw(0), ())  # nothing is drawn
    with pytest.raises(RuntimeError, match="does not know"):
        EmulatedGraph().capture(draw(2), ())
