"""Input omission: a square of each image is taken away."""

from __future__ import annotations

import torch
from torch import Tensor


def block_mask(height: int, width: int, side: Tensor | int, tops: Tensor, lefts: Tensor) -> Tensor:
    r"""Which pixels lie in a square, for one square in each image.

    .. math:: m_{bij} = [t_b \le i < t_b + s] \, [l_b \le j < l_b + s]

    Args:
        height: of the images in pixels.
        width: of the images in pixels.
        side: s in pixels, the same for all images; 0 is no square.
        tops: (B,) first rows.
        lefts: (B,) first columns.

    Returns:
        (B, height, width) bool.

    >>> block_mask(2, 3, 2, torch.tensor([0]), torch.tensor([1])).int()
    tensor([[[0, 1, 1],
             [0, 1, 1]]], dtype=torch.int32)
    """
    rows = torch.arange(height, device=tops.device) - tops[:, None]
    columns = torch.arange(width, device=lefts.device) - lefts[:, None]
    in_rows, in_columns = (rows >= 0) & (rows < side), (columns >= 0) & (columns < side)
    return in_rows[:, :, None] & in_columns[:, None, :]


def omit_block(x: Tensor, side: Tensor | int, tops: Tensor, lefts: Tensor) -> Tensor:
    r"""Set a square of each image to zero, in all channels.

    Args:
        x: (B, C, H, W) images.
        side: of the squares in pixels, the same for all images; a number or a scalar tensor.
        tops: (B,) first rows of the squares.
        lefts: (B,) first columns.

    Returns:
        A new tensor of the shape of ``x``.

    Source: Sohn et al. 2015, section 4.2 (noise injection), with the block of the released code.

    >>> omit_block(torch.ones(1, 1, 2, 3), 1, torch.tensor([1]), torch.tensor([2])).squeeze()
    tensor([[1., 1., 1.],
            [1., 1., 0.]])
    """
    return x.masked_fill(block_mask(x.shape[-2], x.shape[-1], side, tops, lefts).unsqueeze(1), 0)
