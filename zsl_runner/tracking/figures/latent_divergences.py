"""The divergence of each latent variable from its prior."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from zsl_runner.tracking.figures.style import QUALITATIVE, styled


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
