"""Histograms of each dimension of a code over those of its prior."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from zsl_runner.tracking.figures.style import INK, SEEN, styled

MOST_DIMENSIONS = 16
BINS = 60


@styled
def code_histograms(codes: Tensor, draws: Tensor) -> Figure:
    """Draw histograms of the first 16 dimensions.

    Args:
        codes: (n, d).
        draws: (m, d) from the prior.
    """
    count = min(codes.shape[1], MOST_DIMENSIONS)
    columns = min(count, 4)
    lines = math.ceil(count / columns)
    figure = Figure(figsize=(2.6 * columns + 0.4, 1.9 * lines + 0.8), layout="constrained")
    figure.suptitle("Distribution of codes (filled) and prior (line)", fontsize=10)
    axes = list(figure.subplots(lines, columns, squeeze=False).flat)
    for place, own, prior in zip(axes, codes.T.cpu().numpy(), draws.T.cpu().numpy(), strict=False):
        low, high = np.percentile(np.concatenate([own, prior]), [0.1, 99.9])
        edges = np.linspace(low, high, BINS)
        place.hist(own, edges, density=True, color=SEEN, alpha=0.6)
        place.hist(prior, edges, density=True, color=INK, histtype="step", linewidth=1)
        place.set_yticks([])
    for number, place in enumerate(axes):
        place.set_visible(number < count)
        place.set_xlabel(f"z{number}", fontsize=8)
    return figure
