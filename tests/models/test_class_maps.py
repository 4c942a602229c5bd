"""The small network with class maps: sizes, what moves what, what is refused."""

import dataclasses

import pytest
import torch

from tests.tagged import CANVASES, NETWORK, network, tagged_fold
from zsl_runner.data.images.folds import ImageShape
from zsl_runner.errors import ConfigError
from zsl_runner.models.class_mapping_conf import CorrelationConf
from zsl_runner.models.class_maps.conf import ClassMapsConf
from zsl_runner.models.networks import evaluating

SHAPE = ImageShape(1, 32, 32, 11)


def images(count=3, side=32):
    return torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("side", [32, 16, 21, 4])
def test_maps_have_the_grid_of_the_stride(side):
    maps = network(SHAPE).maps(images(side=side))
    grid = NETWORK.map_side(side)
    assert grid == -(-side // 4)
    assert maps.logits.shape == (3, 11, grid, grid)
    assert maps.projected.shape == (3, 8, grid, grid)
    assert maps.correlated.shape == (3, 6, grid, grid)
    assert maps.refined(torch.ones(3, 10)).shape == maps.logits.shape
    assert (maps.projected >= 0).all()


def test_the_default_network_has_a_third_of_a_million_parameters_and_stride_4():
    conf = ClassMapsConf()
    model = network(ImageShape(1, 64, 64, 11), conf)
    assert model.maps(images(2, 64)).logits.shape == (2, 11, 16, 16)
    assert sum(parameter.numel() for parameter in model.parameters()) == 301_560


def test_groups_hold_all_parameters_once():
    model = network(SHAPE)
    groups = model.parameter_groups()
    assert groups.keys() == {"backbone", "heads"}
    held = [id(parameter) for group in groups.values() for parameter in group]
    assert sorted(held) == sorted(id(parameter) for parameter in model.parameters())


def test_equal_seeds_give_equal_weights_and_the_global_generator_is_not_moved():
    before = torch.get_rng_state()
    one, other, third = network(SHAPE), network(SHAPE), network(SHAPE, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.maps(images()).logits, other.maps(images()).logits)
    assert not torch.equal(one.maps(images()).logits, third.maps(images()).logits)


def test_the_correlation_module_moves_itself_alone():
    model = network(SHAPE)
    model.maps(images()).refined(torch.ones(3, 10)).square().sum().backward()
    moved = {name.split(".")[0] for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert moved == {"correlation"}


def test_an_image_has_the_same_maps_in_any_batch_at_evaluation():
    model = network(SHAPE)
    with evaluating(model), torch.no_grad():
        together, alone = model.maps(images()), model.maps(images()[:1])
    for one, other in zip(together[:3], alone[:3], strict=True):
        torch.testing.assert_close(one[:1], other)


def test_images_below_the_stride_are_refused():
    with pytest.raises(ConfigError, match="divides sides by 4, more than images of 32 x 3 pixels allow"):
        network(ImageShape(1, 3, 32, 11))
    small = dataclasses.replace(CANVASES, side=16)
    deep = dataclasses.replace(NETWORK, channels=[4] * 5, strides=[2] * 5, dilations=[1] * 5)
    (problem,) = deep.fits(small)
    assert (problem.key, problem.message) == ("strides", "divide sides by 32, more than the 16 pixels of the images")
    assert list(NETWORK.fits(small)) == []


def test_problems():
    def problems(**changes):
        return {problem.key: problem.message for problem in dataclasses.replace(NETWORK, **changes).problems()}

    assert problems() == {}
    assert problems(strides=[1, 2]) == {"strides": "expected 3, one for each of channels, found 2"}
    assert problems(channels=[], strides=[], dilations=[]) == {"channels": "expected at least one convolution"}
    late = problems(correlation=CorrelationConf(layers=[2, 4], channels=[4, 4]))
    assert late == {"correlation.layers": "expected 1 to 3, found [4]"}
    (wrong,) = CorrelationConf(layers=[1]).problems()
    assert wrong.message == "expected two numbers, one for each layer, found [1]"


def test_the_shape_comes_from_the_data():
    assert tagged_fold().train.shape == SHAPE


def test_centred_features_have_no_mean_so_that_pixels_are_not_all_alike():
    alike, centred = (
        network(
            SHAPE, dataclasses.replace(NETWORK, correlation=dataclasses.replace(NETWORK.correlation, centred=centred))
        )
        .maps(images())
        .correlated
        for centred in (False, True)
    )
    torch.testing.assert_close(centred, alike - alike.mean((2, 3), keepdim=True))
    torch.testing.assert_close(centred.sum((2, 3)), torch.zeros(3, 6), atol=1e-4, rtol=0)
    assert not torch.allclose(alike.mean((2, 3)), torch.zeros(3, 6), atol=1e-3)


def test_maps_of_classes_an_image_does_not_show_are_spread_on_request_only():
    tags = torch.zeros(3, 10)
    tags[:, 2] = 1.0
    for tagged in (False, True):
        conf = dataclasses.replace(NETWORK, correlation=dataclasses.replace(NETWORK.correlation, tagged=tagged))
        found = network(SHAPE, conf).maps(images()).refined(tags)[:, 1:]
        others = found[:, tags[0] == 0]
        assert torch.equal(others, torch.zeros_like(others)) is tagged
