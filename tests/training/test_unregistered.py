"""Layers that a model keeps in plain containers, where torch neither trains nor saves them."""

import pytest
import torch
from torch import nn

from zsl_runner.errors import ConfigError
from zsl_runner.training.unregistered import require_registered


class Own(nn.Module):
    """A user's model: one layer, and whatever else it is given."""

    def __init__(self, **attributes):
        super().__init__()
        self.first = nn.Linear(2, 2)
        for name, value in attributes.items():
            setattr(self, name, value)


def linear():
    return nn.Linear(2, 2)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([linear()], "self.layers is a plain list of Linear; make it an nn.ModuleList"),
        ((nn.ReLU(), linear(), nn.BatchNorm1d(2)), "self.layers is a plain tuple of Linear, BatchNorm1d; make it an"),
        ({"in": linear()}, "self.layers is a plain dict of Linear; make it an nn.ModuleDict"),
        ([[linear()], {"deep": (linear(),)}], "self.layers is a plain list of Linear; make it an nn.ModuleList"),
        ([nn.Sequential(linear())], "self.layers is a plain list of Sequential; make it an nn.ModuleList"),
        ([nn.BatchNorm1d(2, affine=False)], "self.layers is a plain list of BatchNorm1d; make it an nn.ModuleList"),
        ([nn.Parameter(torch.zeros(2))], "self.layers is a plain list of Parameter; make it an nn.ParameterList"),
        ({"w": nn.Parameter(torch.zeros(2))}, "self.layers is a plain dict of Parameter; make it an nn.ParameterDict"),
        ([torch.zeros(2, requires_grad=True)], "self.layers is a plain list of Tensor; make it an nn.ParameterList"),
    ],
)
def test_layers_in_plain_containers_are_refused_with_attribute_and_remedy(value, told):
    with pytest.raises(ConfigError) as caught:
        require_registered(Own(layers=value))
    assert str(caught.value).startswith("Own keeps layers where torch does not look for them, so that they are neither")
    assert told in str(caught.value)


def test_every_attribute_is_named_and_those_of_parts_with_their_place():
    with pytest.raises(ConfigError) as caught:
        require_registered(Own(layers=[linear()], part=Own(heads=[linear()])))
    assert "self.layers is a plain list" in str(caught.value)
    assert "self.part.heads is a plain list" in str(caught.value)


def test_what_torch_knows_or_nobody_trains_is_allowed():
    layer, statistics = linear(), nn.BatchNorm1d(2)
    frozen = nn.Sequential(linear(), nn.BatchNorm1d(2)).requires_grad_(False)
    circle = [frozen]
    circle.append(circle)
    model = Own(
        circle=circle,
        layers=nn.ModuleList([layer, statistics]),
        same_again=[layer, statistics],
        weights=nn.ParameterList([torch.zeros(2)]),
        weights_again={"w": layer.weight},
        recurrent=nn.LSTM(2, 2),  # keeps its weights in a list of its own
        teacher=[frozen],
        activations=[nn.ReLU(), torch.tanh],
        constants=[torch.ones(2), 1.0, "text", None],
        made_of_weights=[layer.weight * 2],
    )
    require_registered(model)
