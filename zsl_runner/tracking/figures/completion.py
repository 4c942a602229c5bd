"""Sheets of pictures, one line for each kind and one column for each row of the data."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from matplotlib.figure import Figure
from torch import Tensor

from zsl_runner.tracking.figures.mosaic import mosaic


def picture_sheet(lines: Mapping[str, Tensor], title: str) -> Figure:
    """Draw grey pictures.

    Args:
        lines: for each label (n, H, W) pictures with values in 0..1, the same n, H and W in every line.
        title: of the figure.
    """
    return mosaic(torch.stack([pictures.float().cpu() for pictures in lines.values()])[:, :, None], title, list(lines))
