"""Options of convolutional networks that label pixels. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf

KERNELS = (1, 3, 5, 7, 9, 11)


@dataclass
class ConvolutionsConf:
    """A chain of convolutions, each followed by a ReLU."""

    channels: list[int] = option([], "channels of each convolution's output", low=1)
    kernels: list[int] = option([], "sides of each convolution's kernel", choices=KERNELS)

    def problems(self) -> Iterable[Problem]:
        """Yield what is wrong with the lists."""
        if len(self.channels) != len(self.kernels):
            yield Problem(
                "kernels", f"expected {len(self.channels)} sides, one for each of channels, found {len(self.kernels)}"
            )


@dataclass
class ContractingConf(ConvolutionsConf):
    """Convolutions that are each followed by a 2 x 2 maximum pooling."""

    channels: list[int] = option([64, 96], "channels of each convolution's output", low=1)
    kernels: list[int] = option([9, 5], "sides of each convolution's kernel", choices=KERNELS)
    stride: int = option(2, "step of the first convolution", choices=(1, 2))

    def reduction(self) -> int:
        """Return by which factor sides shrink."""
        return int(self.stride * 2 ** len(self.channels)) if self.channels else 1

    def idle_options(self) -> Iterable[Idle]:
        """Yield the step of a convolution that is not there."""
        if not self.channels:
            yield from idle("channels=[]", "stride")


@dataclass
class MiddleConf(ConvolutionsConf):
    """Convolutions at the coarsest scale."""

    channels: list[int] = option([128, 128], "channels of each convolution's output", low=1)
    kernels: list[int] = option([3, 3], "sides of each convolution's kernel", choices=KERNELS)


@dataclass
class ExpandingConf(ConvolutionsConf):
    """Convolutions that are each followed by a doubling of the sides (nearest neighbour)."""

    channels: list[int] = option([96, 64, 48], "channels of each convolution's output", low=1)
    kernels: list[int] = option([3, 5, 5], "sides of each convolution's kernel", choices=KERNELS)

    def enlargement(self) -> int:
        """Return by which factor sides grow."""
        return int(2 ** len(self.channels))


@dataclass
class LabelCNNConf:
    """The deterministic network from an image to logits of labels."""

    contracting: ContractingConf = section(ContractingConf, "from the image to the coarsest scale")
    middle: MiddleConf = section(MiddleConf, "at the coarsest scale")
    expanding: ExpandingConf = section(ExpandingConf, "from the coarsest scale back to the image's")
    heads: list[int] = option(
        [3, 5, 9],
        "kernels of the last convolutions, which make logits, at 1/4, 1/2 and full scale; the first two with "
        "multi_scale only",
        choices=KERNELS,
    )

    def problems(self) -> Iterable[Problem]:
        """Yield what does not fit together."""
        if len(self.heads) != 3:
            yield Problem("heads", f"expected three kernels, found {len(self.heads)}")
        if self.contracting.reduction() != self.expanding.enlargement():
            yield Problem(
                "expanding",
                f"its {len(self.expanding.channels)} doublings must undo the contracting part, which divides sides by "
                f"{self.contracting.reduction()} (its stride, and 2 for each convolution)",
            )
        elif len(self.expanding.channels) < 2:
            yield Problem("expanding", "needs at least two convolutions: labels are also predicted at 1/4 scale")


def unfit_sides(dataset: DatasetConf, key: str, reduction: int) -> Iterable[Problem]:
    """Yield a problem if images of the data set cannot be shrunk by ``reduction``."""
    side = dataset.image_side()
    if side is not None and side % reduction:
        yield Problem(
            key, f"divides sides by {reduction}, which images of {side} x {side} pixels do not allow; use fewer layers"
        )
