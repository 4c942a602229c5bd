"""A tensor left behind on the CPU is found without a second device."""

import pytest
import torch

from tests.training.one_device import AWAY, stays_on_its_device


class Holder:
    """Something that computes with what it holds."""

    def __init__(self):
        self.weight = torch.nn.Parameter(torch.ones(2, 3))
        self.generator = torch.Generator()

    def noise(self, rows):
        drawn = torch.randn(2, 3, generator=self.generator, device=self.generator.device)
        (self.weight * rows + drawn).sum().backward()
        assert self.weight.grad.device == AWAY

    def product(self, rows):
        return rows @ torch.ones(3)

    def number(self, rows):
        return rows * torch.tensor(2.0)

    def positions(self, rows):
        return rows[torch.tensor([0])]

    def drawn(self, rows):
        return torch.randn(2, 3, generator=self.generator)


def test_what_is_held_and_what_is_given_go_to_the_other_device():
    held = Holder()
    stays_on_its_device(held.noise, torch.ones(2, 3))
    assert held.weight.device.type == "cpu"
    assert held.weight.grad is None


@pytest.mark.parametrize("left", ["product", "number", "positions", "drawn"])
def test_a_tensor_left_behind_is_found(left):
    with pytest.raises(RuntimeError, match="a tensor of cpu"):
        stays_on_its_device(getattr(Holder(), left), torch.ones(2, 3))
