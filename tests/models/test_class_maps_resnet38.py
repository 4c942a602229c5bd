"""The wide residual network with class maps: sizes, what moves, weights of a file, a step of training."""

import dataclasses

import pytest
import torch

from tests.tagged import run_phases, tagged_fold, trainer
from zsl_runner.data.images.folds import ImageShape
from zsl_runner.errors import ConfigError
from zsl_runner.models.class_mapping_conf import CorrelationConf
from zsl_runner.models.class_maps.conf import ClassMapsResNet38Conf
from zsl_runner.models.class_maps.resnet38 import ClassMapsResNet38, ResNet38
from zsl_runner.runs.initial import initialise
from zsl_runner.streams import Streams

SMALL = ClassMapsResNet38Conf(
    channels=[4, 4, 6, 8, 8, 16, 16], projection=8, correlation=CorrelationConf([4, 5], [4, 4], 6)
)


def network(shape, conf=SMALL, seed=0):
    return ClassMapsResNet38(conf, shape, Streams(seed))


@pytest.mark.parametrize("side", [64, 37, 8])
def test_the_stride_is_8_whatever_the_side(side):
    shape = ImageShape(3, side, side, 21)
    model = network(shape)
    maps = model.maps(torch.rand(2, 3, side, side))
    grid = SMALL.map_side(side)
    assert grid == -(-side // 8)
    assert maps.logits.shape == (2, 21, grid, grid)
    assert maps.projected.shape == (2, 8, grid, grid)
    assert maps.correlated.shape == (2, 6, grid, grid)


def test_published_sizes():
    """38 layers with weights on the longest path: 1 + 2 (3 + 3 + 6 + 3) + 3 + 3 and the classifier."""
    with torch.device("meta"):
        model = ResNet38(3, [64, 128, 256, 512, 1024, 2048, 4096])
    convolutions = [name for name, part in model.named_modules() if isinstance(part, torch.nn.Conv2d)]
    assert sum("fit" not in name for name in convolutions) + 1 == 38
    assert sum(parameter.numel() for parameter in model.parameters()) == 105_070_912


def test_a_pixel_sees_as_far_as_the_dilations_reach_and_no_batch_norm_is_without_use():
    model = network(ImageShape(1, 32, 32, 11))
    model.maps(torch.rand(2, 1, 32, 32)).logits.square().sum().backward()
    still = [name for name, p in model.backbone.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert still == []


def test_layers_are_shown_as_the_next_one_sees_them():
    """Normalised and activated; the sums that blocks add up to are neither."""
    shape = ImageShape(1, 32, 32, 11)
    backbone = network(shape).backbone.train()
    for _ in range(3):
        backbone(torch.rand(4, 1, 32, 32))
    backbone.eval()
    x = torch.rand(2, 1, 32, 32)
    shown = backbone(x)
    sums = [backbone.first(x)]
    for stage in backbone.stages:
        sums.append(stage(sums[-1]))
    assert len(shown) == len(sums) == len(SMALL.channels)
    assert not all((layer >= 0).all() for layer in sums)
    firsts = [stage[0] if isinstance(stage, torch.nn.Sequential) else stage for stage in backbone.stages]
    for layer, raw, norm in zip(shown, sums, [*(block.norms[0] for block in firsts), backbone.last], strict=True):
        assert torch.equal(layer, norm(raw).relu())


def test_images_below_the_stride_are_refused():
    with pytest.raises(ConfigError, match="divides sides by 8, more than images of 7 x 7"):
        network(ImageShape(1, 7, 7, 11))


def test_the_weights_of_a_backbone_are_taken_from_a_file(tmp_path):
    shape = ImageShape(1, 32, 32, 11)
    one, other = network(shape), network(shape, seed=1)
    torch.save({f"backbone.{name}": value for name, value in one.backbone.state_dict().items()}, tmp_path / "w.pt")
    initialise(other, tmp_path / "w.pt")
    x = torch.rand(2, 1, 32, 32)
    for mine, theirs in zip(one.backbone(x), other.backbone(x), strict=True):
        assert torch.equal(mine, theirs)
    assert not torch.equal(one.classes.weight, other.classes.weight)


def test_it_is_trained_by_both_phases():
    fold = tagged_fold()
    procedure = trainer(fold.train, model=network(fold.train.shape), view_scale=0.5)
    terms = run_phases(procedure)
    assert {"tags", "cross_prototype", "intra"} <= set(terms["contrast"][0])


def test_problems():
    conf = dataclasses.replace(SMALL, channels=[4, 4])
    assert "expected 7 numbers" in next(problem.message for problem in conf.problems())
    late = dataclasses.replace(SMALL, correlation=CorrelationConf([4, 8], [4, 4], 6))
    assert [problem.key for problem in late.problems()] == ["correlation.layers"]
