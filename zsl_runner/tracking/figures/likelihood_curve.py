"""Negative conditional log-likelihood against the number of codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure


def likelihood_curve(curves: Mapping[str, Sequence[tuple[int, float]]], bound: float | None) -> Figure:
    """Draw estimates that fall with the number of codes, and minus the bound as a line.

    Args:
        curves: for each estimator (number of codes, estimate in nats), ascending.
        bound: minus the bound in nats; None without.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for label, points in curves.items():
        axes.plot(*zip(*points, strict=True), marker="o", label=label)
    if bound is not None:
        axes.axhline(bound, color="black", linestyle="--", label="minus the bound")
    axes.set_xscale("log")
    axes.set_xlabel("codes S for each row")
    axes.set_ylabel("negative log-likelihood (nats)")
    axes.legend()
    axes.grid(alpha=0.3)
    return figure
