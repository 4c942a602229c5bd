"""Input-omission noise: training sees images from which a random square is missing."""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_runner.objectives.omission import omit_block


def omission(x: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    r"""Set a random square of each image to zero: one size for the batch, one place for each image.

    .. math:: s = \mathrm{round}(\min(H, W) \, u \, r), \qquad u \sim U(0, 1)

    Places are uniform among those where the square lies inside the image. Nothing waits for the device.

    Args:
        x: (B, C, H, W) images.
        rate: r, the largest side of a square as a share of the image's, 0 to 1.
        generator: on the device of ``x``.

    Returns:
        A new tensor of the shape of ``x``.

    Source: Sohn et al. 2015, section 4.2; sizes as in the released code, where r is 0.4.
    """
    count, _, height, width = x.shape
    drawn = torch.rand(1 + 2 * count, generator=generator, device=x.device)
    side = (min(height, width) * drawn[0] * rate).round()
    tops = (drawn[1 : count + 1] * (height - side + 1)).floor()
    lefts = (drawn[count + 1 :] * (width - side + 1)).floor()
    return omit_block(x, side, tops, lefts)
