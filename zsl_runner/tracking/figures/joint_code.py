"""Divergences of latent variables at the end and over training, and which classes the images of a category have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from zsl_runner.tracking.figures.style import FAINT, INK, QUALITATIVE, UNSEEN, shorts, styled

MOST_NUMBERS = 20


@styled
def latent_divergences(divergences: Mapping[str, float], continuous: int) -> Figure:
    """Draw a bar with its number for each variable.

    Args:
        divergences: nats by name, the continuous variables first.
        continuous: how many are continuous; the others have another colour.
    """
    names, values = list(divergences), list(divergences.values())
    figure = Figure(figsize=(max(4.2, 0.42 * len(names) + 1.2), 3.2), layout="constrained")
    axes = figure.subplots()
    colours = [QUALITATIVE[0] if place < continuous else QUALITATIVE[1] for place in range(len(names))]
    bars = axes.bar(range(len(names)), values, color=colours, width=0.75)
    axes.bar_label(bars, [f"{value:.2f}" for value in values], fontsize=7, padding=2)
    axes.set_xticks(range(len(names)), names, rotation=90 if len(names) > 16 else 0)
    axes.tick_params(axis="x", length=0)
    axes.set(ylabel="nats", title="Divergence of each variable from its prior")
    axes.margins(y=0.12)
    return figure


SHOWN = 0.1
"""Nats from which a variable has a colour and a number."""
HEADROOM = 1.3
"""The height of the axes of the divergences, as a multiple of the largest, and at least of `SHOWN`."""


@styled
def capacity_curve(history: NDArray[Any]) -> Figure:
    """Draw KL_z and KL_c, their capacities as dashed lines, and the information of the discrete code.

    Below stand the divergences of the continuous variables, if there are any; the largest have their number.

    Args:
        history: (rows, 6 + d) step, KL_z, C_z, KL_c, C_c, I(c;x), the divergences of d variables; all but the step in
            nats.
    """
    latents = history[:, 6:]
    lines = 1 + bool(latents.shape[1])
    figure = Figure(figsize=(7.2, 2.2 + 2.2 * lines), layout="constrained")
    axes, *below = figure.subplots(lines, sharex=True, height_ratios=[3, 2][:lines], squeeze=False).flat
    steps = history[:, 0]
    alone = "o" if len(steps) == 1 else None  # one point makes no line
    for name, column, colour in (("z", 1, QUALITATIVE[0]), ("c", 3, QUALITATIVE[1])):
        axes.plot(steps, history[:, column], color=colour, linewidth=1.1, marker=alone, label=f"$KL_{name}$")
        axes.plot(steps, history[:, column + 1], color=INK, linewidth=0.9, linestyle=(0, (5, 3)), marker=alone)
        axes.annotate(
            f"$C_{name}$ {history[-1, column + 1]:.2f}",
            (steps[-1], history[-1, column + 1]),
            textcoords="offset points",
            xytext=(4, 0),
            va="center",
            annotation_clip=False,
        )
    # Dotted: of a code that is used and sure it lies on KL_c, which is to be seen beneath.
    axes.plot(steps, history[:, 5], color=QUALITATIVE[2], linestyle=(0, (1, 1.5)), marker=alone, label="$I(c;x)$")
    axes.set(ylabel="nats", title="Divergences and their capacities; information of the discrete code")
    axes.set_xlim(0, steps[-1])
    axes.set_ylim(bottom=min(0.0, float(history[:, 1:].min())))
    axes.grid(visible=True)
    axes.legend(loc="upper left")
    for place in below:
        _draw_latents(place, steps, latents, alone)
    figure.axes[-1].set_xlabel("step")
    return figure


def _draw_latents(axes: Axes, steps: NDArray[Any], latents: NDArray[Any], alone: str | None) -> None:
    largest = np.argsort(-latents[-1])
    for rank, latent in enumerate(largest):
        named = rank < len(QUALITATIVE) and latents[-1, latent] >= SHOWN
        label = f"$z_{{{latent + 1}}}$" if named else None
        colour = QUALITATIVE[rank] if named else FAINT
        axes.plot(steps, latents[:, latent], color=colour, linewidth=1.0, marker=alone, label=label)
    axes.set(ylabel="nats", title="Divergence of each continuous variable")
    # The names stand in a row above the curves.
    axes.set_ylim(0.0, HEADROOM * max(SHOWN, float(latents.max())))
    axes.grid(visible=True)
    if latents[-1].max() >= SHOWN:
        axes.legend(loc="upper left", ncols=5)


@styled
def category_classes(counts: NDArray[Any], class_names: Sequence[str], mapping: NDArray[Any]) -> Figure:
    """Draw the shares of the classes in each category, categories in the order of the classes they are mapped to.

    Args:
        counts: (K, C) images of each category and class.
        class_names: C names.
        mapping: (K,) the class of each category, negative for none; framed where the category has images.
    """
    order = np.argsort(np.where(mapping < 0, len(class_names), mapping), kind="stable")
    sizes = counts.sum(1, keepdims=True)
    shares = (100 * counts / np.maximum(sizes, 1))[order]
    height, width = shares.shape
    figure = Figure(figsize=(0.46 * width + 2.4, 0.42 * height + 1.4), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 100), interpolation="nearest", aspect="auto")
    bar = figure.colorbar(image, ax=axes, fraction=0.045, pad=0.02, ticks=[0, 1, 5, 10, 25, 50, 100])
    bar.outline.set_visible(False)
    bar.set_label("per cent of the category's images")
    for line, category in enumerate(order):
        if mapping[category] >= 0 and sizes[category, 0]:
            corner = (mapping[category] - 0.5, line - 0.5)
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=UNSEEN, linewidth=1.3))
        if max(height, width) <= MOST_NUMBERS:
            for column in np.flatnonzero(shares[line] >= 0.5).tolist():
                value = shares[line, column]
                colour = "white" if value > 40 else INK
                axes.text(column, line, f"{value:.0f}", ha="center", va="center", fontsize=7.5, color=colour)
    names = shorts(list(class_names))
    axes.set_xticks(range(width), names, rotation=90 if max(map(len, names)) > 3 else 0)
    axes.set_yticks(range(height), [f"{category}  (n={int(sizes[category, 0]):,})" for category in order])
    axes.tick_params(length=0)
    axes.set(xlabel="class", ylabel="category", title="Categories and classes; framed: one to one, fitted on training")
    return figure
