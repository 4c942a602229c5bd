"""The wide residual network of 38 layers at output stride 8, with class maps."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from zsl_runner.models.class_mapping import HeadedMapper
from zsl_runner.models.class_maps.conf import ClassMapsResNet38Conf

BLOCKS = ((3, 2, 1), (3, 2, 1), (6, 2, 1), (3, 1, 2))
"""Blocks, stride and dilation of stages 2 to 5; the first convolution of a stage has none."""
DEEP_DILATION = 4


def convolution(inputs: int, outputs: int, side: int, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    """Return a convolution without bias whose output has the side of its input over the stride, rounded up."""
    layer = nn.Conv2d(inputs, outputs, side, stride, padding=dilation * (side // 2), dilation=dilation, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layer


class Block(nn.Module):
    """Batch norm and ReLU before each convolution; the sum with the input, which a convolution fits where it must.

    Args:
        widths: channels of the input and of each convolution's output.
        sides: of the convolutions' kernels.
        stride: of the first convolution.
        dilations: of each convolution; 1 for kernels of side 1.
    """

    def __init__(self, widths: Sequence[int], sides: Sequence[int], stride: int, dilations: Sequence[int]) -> None:
        super().__init__()
        strides = [stride] + [1] * (len(sides) - 1)
        sizes = list(zip(widths[:-1], widths[1:], sides, strides, dilations, strict=True))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths[:-1])
        self.convolutions = nn.ModuleList(convolution(*size) for size in sizes)
        is_same = widths[0] == widths[-1] and stride == 1
        self.fit = None if is_same else convolution(widths[0], widths[-1], 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, D, h, w) for (B, C, H, W)."""
        return self.added(x, self.activated(x))

    def activated(self, x: Tensor) -> Tensor:
        """Return the input as the first convolution sees it."""
        return F.relu(self.norms[0](x))

    def added(self, x: Tensor, activated: Tensor) -> Tensor:
        """Return what `forward` does, given `activated`."""
        kept: Tensor = x if self.fit is None else self.fit(activated)
        found: Tensor = self.convolutions[0](activated)
        for norm, layer in zip(self.norms[1:], self.convolutions[1:], strict=True):
            found = layer(F.relu(norm(found)))
        return kept + found


class ResNet38(nn.Module):
    """A convolution and six stages, of which three halve the sides and the others dilate.

    Args:
        channels: of the images.
        widths: channels of the first convolution's output and of each stage's.

    Source: Wu, Shen and van den Hengel, arXiv 1611.10080; strides and dilations as in SEAM (CVPR 2020).
    """

    def __init__(self, channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        first, *stages = widths
        self.first = convolution(channels, first, 3)
        self.stages = nn.ModuleList()
        before = first
        for number, (width, (count, stride, dilation)) in enumerate(zip(stages, BLOCKS, strict=False)):
            middle = width // 2 if number == len(BLOCKS) - 1 else width
            blocks = [Block((before, middle, width), (3, 3), stride, (1, dilation))]
            blocks += [Block((width, middle, width), (3, 3), 1, (dilation, dilation)) for _ in range(count - 1)]
            self.stages.append(nn.Sequential(*blocks))
            before = width
        for width in stages[len(BLOCKS) :]:
            widths = (before, width // 4, width // 2, width)
            self.stages.append(Block(widths, (1, 3, 1), 1, (1, DEEP_DILATION, 1)))
            before = width
        self.last = nn.BatchNorm2d(before)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return what the first convolution and each stage give, normalised and activated as the next one sees it."""
        x = self.first(x)
        found = []
        for stage in self.stages:
            first, *others = stage.children() if isinstance(stage, nn.Sequential) else [stage]
            assert isinstance(first, Block)
            found.append(first.activated(x))
            x = first.added(x, found[-1])
            for block in others:
                x = block(x)
        return [*found, F.relu(self.last(x))]


class ClassMapsResNet38(HeadedMapper):
    """Heads and correlation module on a deep network; the module sees the outputs of two stages."""

    conf: ClassMapsResNet38Conf

    def network(self, channels: int) -> nn.Module:
        """Return the backbone for images of so many channels."""
        return ResNet38(channels, self.conf.channels)
