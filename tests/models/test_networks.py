import copy
import math

import pytest
import torch
from torch import nn

from tests.weights import same, weights_of
from zsl_runner.models.network_conf import BlockConf, MLPConf
from zsl_runner.models.networks import (
    Dropout,
    dropout_on,
    evaluating,
    freeze_statistics,
    geometric_widths,
    initialise_glorot,
    initialise_uniform,
    mlp,
)
from zsl_runner.streams import Streams


@pytest.mark.parametrize(
    ("first", "last", "layers", "expected"),
    [
        (85, 64, 6, [81, 77, 73, 70, 67, 64]),
        (312, 64, 6, [239, 184, 141, 108, 83, 64]),
        (102, 64, 6, [94, 87, 80, 74, 69, 64]),
        (85, 128, 2, [104, 128]),
        (85, 64, 1, [64]),
        (64, 64, 3, [64, 64, 64]),
        (2, 1, 4, [1, 1, 1, 1]),
    ],
)
def test_geometric_widths(first, last, layers, expected):
    assert geometric_widths(first, last, layers) == expected


def test_dropout_drops_a_share_and_keeps_the_mean():
    dropped = Dropout(0.2, Streams(0))(torch.ones(1000, 1000))
    assert set(dropped.unique().tolist()) == {0.0, 1.25}
    # Standard deviation of the share over 1e6 entries: 0.0004.
    assert (dropped == 0).double().mean().item() == pytest.approx(0.2, abs=0.002)


def test_dropout_draws_from_the_stream_of_its_model():
    x = torch.ones(8, 8)
    first, again = Dropout(0.5, Streams(0)), Dropout(0.5, Streams(0))
    masks = [first(x), first(x)]
    assert torch.equal(again(x), masks[0])
    assert not torch.equal(masks[0], masks[1])
    assert not torch.equal(Dropout(0.5, Streams(1))(x), masks[0])


def test_dropout_rate_can_be_changed_and_zero_is_the_identity():
    dropout, x = Dropout(0.5, Streams(0)), torch.ones(4, 4)
    dropout.rate = 0.0
    assert dropout(x) is x
    dropout.rate = 0.5
    assert dropout.eval()(x) is x


def test_dropout_passes_the_gradient_of_what_it_kept():
    x = torch.ones(6, 6, requires_grad=True)
    dropped = Dropout(0.5, Streams(0))(x)
    dropped.sum().backward()
    assert torch.equal(x.grad, dropped.detach())


def test_a_copied_network_draws_from_the_same_stream():
    """A frozen copy must not repeat the masks of the original."""
    original = Dropout(0.5, Streams(0))
    copied, x = copy.deepcopy(original), torch.ones(8, 8)
    assert not torch.equal(original(x), copied(x))


def network(order="activation_norm_dropout", dropout=0.5, batch_norm=True):
    conf = MLPConf(hidden=[6, 5], dropout=dropout, batch_norm=batch_norm, order=order)
    return mlp([4, *conf.hidden, 3], conf, BlockConf(slope=0.1, norm_momentum=0.02, norm_eps=1e-4), Streams(0))


@pytest.mark.parametrize(
    ("order", "block"),
    [
        ("activation_norm_dropout", [nn.Linear, nn.LeakyReLU, nn.BatchNorm1d, Dropout]),
        ("norm_dropout_activation", [nn.Linear, nn.BatchNorm1d, Dropout, nn.LeakyReLU]),
    ],
)
def test_order_of_a_block(order, block):
    layers = list(network(order))
    assert [type(layer) for layer in layers] == [*block, *block, nn.Linear]
    assert [(layer.in_features, layer.out_features) for layer in layers if isinstance(layer, nn.Linear)] == [
        (4, 6),
        (6, 5),
        (5, 3),
    ]


def test_settings_reach_the_layers():
    layers = list(network())
    assert [layer.negative_slope for layer in layers if isinstance(layer, nn.LeakyReLU)] == [0.1, 0.1]
    assert [(layer.momentum, layer.eps) for layer in layers if isinstance(layer, nn.BatchNorm1d)] == [(0.02, 1e-4)] * 2
    assert [layer.rate for layer in layers if isinstance(layer, Dropout)] == [0.5, 0.5]
    assert not any(isinstance(layer, nn.BatchNorm1d) for layer in network(batch_norm=False))


def test_no_hidden_layer_is_one_affine_map():
    layers = list(mlp([4, 3], MLPConf(), BlockConf(), Streams(0)))
    assert [type(layer) for layer in layers] == [nn.Linear]


def test_initial_weights():
    net = network()
    initialise_glorot(net)
    for layer in net:
        if isinstance(layer, nn.Linear):
            bound = math.sqrt(6 / (layer.in_features + layer.out_features))
            assert 0.5 * bound < layer.weight.abs().max() <= bound
            assert torch.equal(layer.bias, torch.zeros_like(layer.bias))
    initialise_uniform(net[-1], 1e-5)
    assert 0 < net[-1].weight.abs().max() <= 1e-5


def test_only_dropout_is_switched_on():
    net = network().train()
    x = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))
    net(x)
    statistics = weights_of(net)
    modes = [part.training for part in net.modules()]
    with dropout_on(net, torch.Generator().manual_seed(1)):
        assert {type(part) for part in net.modules() if part.training} == {Dropout}
        first, second = net(x), net(x)
    with dropout_on(net, torch.Generator().manual_seed(1)):
        assert torch.equal(net(x), first)
    with evaluating(net):
        assert torch.equal(net(x), net(x))
    assert not torch.equal(first, second)
    assert [part.training for part in net.modules()] == modes
    assert same(statistics, net.state_dict())


def test_modes_come_back_after_an_error():
    net = network().train()
    net[0].eval()
    modes = [part.training for part in net.modules()]
    for context in (evaluating(net), dropout_on(net, torch.Generator())):
        with pytest.raises(RuntimeError, match="stop"), context:
            raise RuntimeError("stop")
        assert [part.training for part in net.modules()] == modes
        assert all(part.generator is None for part in net.modules() if isinstance(part, Dropout))


def test_frozen_statistics_stay_while_everything_else_trains():
    network = nn.Sequential(
        nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(4))
    ).train()
    before = network[1].running_mean.clone()
    freeze_statistics(network)
    network(torch.randn(8, 3))
    assert torch.equal(network[1].running_mean, before)
    assert [part.training for part in (network[0], network[1], network[2][0], network[2][1])] == [
        True,
        False,
        True,
        False,
    ]
    network.train()(torch.randn(8, 3))
    assert not torch.equal(network[1].running_mean, before)
