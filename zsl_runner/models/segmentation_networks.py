"""Convolutional networks that label pixels."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from zsl_runner.data.pairs.folds import PairShape
from zsl_runner.errors import ConfigError
from zsl_runner.models.segmentation_conf import ContractingConf, ConvolutionsConf, LabelCNNConf
from zsl_runner.objectives.precision import at_least_fp32

BIAS_DEVIATION: Final = 0.01


def convolution(inputs: int, outputs: int, kernel: int, *, stride: int = 1, rectified: bool = True) -> nn.Conv2d:
    """Return a convolution that keeps sides, or halves them with ``stride`` 2.

    Weights are drawn from He's normal distribution (with gain 1 if no ReLU follows), biases from N(0, 0.01^2), by
    torch's generator: call it inside `Streams.initialising`.
    """
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu" if rectified else "linear")
    assert layer.bias is not None
    nn.init.normal_(layer.bias, 0.0, BIAS_DEVIATION)
    return layer


def channels_last(maps: Tensor) -> Tensor:
    """Return the maps with the values of a pixel beside each other in memory: convolutions are faster on such maps."""
    return maps.contiguous(memory_format=torch.channels_last)


def contracting(inputs: int, conf: ContractingConf) -> nn.Sequential:
    """Return convolution, ReLU and 2 x 2 maximum pooling for each entry of ``conf``."""
    layers: list[nn.Module] = []
    stride = conf.stride
    for channels, kernel in zip(conf.channels, conf.kernels, strict=True):
        layers += [convolution(inputs, channels, kernel, stride=stride), nn.ReLU(), nn.MaxPool2d(2)]
        inputs, stride = channels, 1
    return nn.Sequential(*layers)


def middle(inputs: int, conf: ConvolutionsConf) -> nn.Sequential:
    """Return convolution and ReLU for each entry of ``conf``."""
    layers: list[nn.Module] = []
    for channels, kernel in zip(conf.channels, conf.kernels, strict=True):
        layers += [convolution(inputs, channels, kernel), nn.ReLU()]
        inputs = channels
    return nn.Sequential(*layers)


def expanding(inputs: int, conf: ConvolutionsConf) -> nn.ModuleList:
    """Return stages of convolution, ReLU and doubling, one for each entry of ``conf``."""
    stages = nn.ModuleList()
    for channels, kernel in zip(conf.channels, conf.kernels, strict=True):
        stages.append(nn.Sequential(convolution(inputs, channels, kernel), nn.ReLU(), nn.Upsample(scale_factor=2)))
        inputs = channels
    return stages


def last(widths: list[int], before: int) -> int:
    """Return the last of ``widths``, or ``before`` if there is none: what a chain of layers puts out."""
    return widths[-1] if widths else before


class LabelCNN(nn.Module):
    """From images to logits of labels, at full scale and, if asked for, at 1/4 and 1/2.

    Args:
        channels: of the images.
        classes: number K of labels.
        conf: sizes of the layers.
        multi_scale: whether there are heads at 1/4 and 1/2 scale.
    """

    def __init__(self, channels: int, classes: int, conf: LabelCNNConf, multi_scale: bool) -> None:
        super().__init__()
        self.contracting = contracting(channels, conf.contracting)
        width = last(conf.contracting.channels, channels)
        self.middle = middle(width, conf.middle)
        width = last(conf.middle.channels, width)
        self.expanding = expanding(width, conf.expanding)
        widths = [width, *conf.expanding.channels][-3:]
        heads = list(zip(widths, conf.heads, strict=True))
        self.head = convolution(heads[2][0], classes, heads[2][1], rectified=False)
        self.coarse_heads = nn.ModuleList(
            convolution(inputs, classes, kernel, rectified=False) for inputs, kernel in heads[: 2 * multi_scale]
        )

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return (B, K, H, W) logits in single precision, and those at 1/4 and 1/2 scale (none without heads there)."""
        maps = [self.middle(self.contracting(channels_last(x)))]
        for stage in self.expanding:
            maps.append(stage(maps[-1]))
        coarse = tuple(head(maps[place]) for head, place in zip(self.coarse_heads, (-3, -2), strict=False))
        return at_least_fp32(self.head(maps[-1])), coarse


def label_classes(shape: PairShape, reduction: int) -> int:
    """Return the number of labels of the data.

    Raises:
        ConfigError: the data are no images with a label for each pixel, or their sides do not fit the layers.
    """
    if shape.classes is None or len(shape.x) != 3 or shape.y != shape.x[1:]:
        raise ConfigError(f"expected images with a label for each pixel, found inputs {shape.x} and outputs {shape.y}")
    if any(side % reduction for side in shape.y):
        raise ConfigError(
            f"the layers divide sides by {reduction}, which images of {shape.y[1]} x {shape.y[0]} pixels do not allow; "
            "resize them (dataset.side) or use fewer layers"
        )
    return shape.classes
