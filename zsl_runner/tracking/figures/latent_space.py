"""Prior means against encoded features: does every class's prior stand where its features are encoded?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from numpy.typing import NDArray

from zsl_runner.tracking.figures.generated_features import MOST_LEGEND, evenly
from zsl_runner.tracking.figures.style import FAINT, INK, class_colours, class_keys, halo, short, styled

MOST_POINTS = 3000
MOST_ELLIPSES = 80
MOST_NAMES = 20
STAR = "#777777"
"""Colour of the prior means of seen classes."""

Array = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]


@styled
def priors_against_encodings(
    encodings: Array,
    labels: Labels,
    prior_means: Array,
    prior_stds: Array | None,
    seen_classes: Labels,
    unseen_classes: Labels,
    class_names: tuple[str, ...],
    seed: int = 0,
) -> Figure:
    """Draw encoded features and class priors in the first two principal components of the encodings.

    Dots are encoded features, stars prior means, ellipses one standard deviation of the priors. Unseen classes carry
    colours; seen classes stay grey behind them.

    Args:
        encodings: (n, d) encoder means of rows of seen and unseen classes.
        labels: (n,) their class ids.
        prior_means: (K, d) prior mean of every class, by class id.
        prior_stds: (K, d) prior standard deviations, or None to leave the ellipses out.
        seen_classes: (S,) class ids.
        unseen_classes: (U,) class ids.
        class_names: names by class id.
        seed: of the choice of points.

    Raises:
        ValueError: the latent space has fewer than two dimensions or there are fewer than three rows.
    """
    kept = evenly(labels, MOST_POINTS, np.random.default_rng(seed))
    encodings, labels = encodings[kept].astype(np.float64), labels[kept]
    centre, axes2, share = principal_plane(encodings)
    plane, stars = (encodings - centre) @ axes2, (prior_means.astype(np.float64) - centre) @ axes2

    figure = Figure(figsize=(8.4, 6.4), layout="constrained")
    axes = figure.add_subplot()
    _draw_seen(axes, plane[np.isin(labels, seen_classes)], stars[seen_classes])
    colours = class_colours(len(unseen_classes))
    _draw_unseen(axes, plane, labels, stars[unseen_classes], unseen_classes, colours)
    if prior_stds is not None and len(seen_classes) + len(unseen_classes) <= MOST_ELLIPSES:
        for label in seen_classes:
            axes.add_patch(_ellipse(stars[label], prior_stds[label], axes2, "#8A8A8A", 0.6))
        for label, colour in zip(unseen_classes, colours, strict=True):
            axes.add_patch(_ellipse(stars[label], prior_stds[label], axes2, colour, 1.3))
    handles = [
        Line2D([], [], color=FAINT, marker="o", linestyle="", markersize=4, label="encoded, seen"),
        Line2D([], [], color=STAR, marker="*", linestyle="", markersize=8, label="prior mean, seen"),
        Line2D([], [], color=INK, marker="o", linestyle="", markersize=4, label="encoded, unseen"),
        Line2D([], [], color=INK, marker="*", linestyle="", markersize=10, label="prior mean, unseen"),
    ]
    if len(unseen_classes) <= MOST_LEGEND:
        handles += class_keys(colours, [class_names[label] for label in unseen_classes])
    elif len(unseen_classes) <= MOST_NAMES:
        for label in unseen_classes:
            axes.annotate(
                short(class_names[label], 14),
                tuple(stars[label]),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=6.5,
                path_effects=halo(),
                zorder=6,
            )
    figure.legend(handles=handles, loc="outside right upper")
    axes.set(
        xlabel=f"principal component 1 ({100 * share[0]:.0f}% of variance)",
        ylabel=f"principal component 2 ({100 * share[1]:.0f}%)",
        title=f"Class priors in the latent space ({prior_means.shape[1]} dimensions)",
    )
    return figure


def _draw_seen(axes: Any, points: Array, stars: Array) -> None:
    """Draw encoded rows (n, 2) and prior means (S, 2) of all seen classes alike."""
    axes.scatter(*points.T, s=7, color=FAINT, alpha=0.25, linewidths=0)
    axes.scatter(*stars.T, s=55, marker="*", facecolor=STAR, edgecolor="white", linewidths=0.5, zorder=3)


def _draw_unseen(
    axes: Any, points: Array, labels: Labels, stars: Array, classes: Labels, colours: Sequence[Any]
) -> None:
    """Draw encoded rows (n, 2) and prior means (U, 2) of the unseen classes, one class above the other."""
    shades, place = to_rgba_array(colours), np.full(int(max(labels.max(), classes.max())) + 1, -1)
    place[classes] = np.arange(len(classes))
    order = np.argsort(place[labels], kind="stable")
    order = order[place[labels[order]] >= 0]
    axes.scatter(*points[order].T, s=10, color=shades[place[labels[order]]], alpha=0.45, linewidths=0, zorder=2)
    axes.scatter(*stars.T, s=170, marker="*", facecolor=shades, edgecolor=INK, linewidths=0.7, zorder=5)


def principal_plane(points: Array) -> tuple[Array, Array, Array]:
    """Return mean (d,), directions (d, 2) and variance shares (2,) of the first two principal components.

    The sign of a direction is fixed by making its largest entry positive.

    Raises:
        ValueError: fewer than two dimensions or three points.
    """
    if points.ndim != 2 or points.shape[1] < 2 or len(points) < 3:
        raise ValueError(f"a plane needs at least three points of two dimensions, found shape {points.shape}")
    centre = points.mean(0)
    _, singular, directions = np.linalg.svd(points - centre, full_matrices=False)
    first = directions[:2].T
    first = first * np.sign(first[np.abs(first).argmax(0), np.arange(2)])
    return centre, first, singular[:2] ** 2 / max(float((singular**2).sum()), 1e-300)


def _ellipse(at: Array, stds: Array, directions: Array, colour: Any, width: float) -> Ellipse:
    """Return the ellipse of one standard deviation of a diagonal Gaussian seen in the plane."""
    covariance = directions.T @ (stds.astype(np.float64)[:, None] ** 2 * directions)
    variances, axes = np.linalg.eigh(covariance)
    across, along = 2 * np.sqrt(np.maximum(variances, 0))
    angle = float(np.degrees(np.arctan2(axes[1, 1], axes[0, 1])))
    return Ellipse(tuple(at), along, across, angle=angle, fill=False, edgecolor=colour, linewidth=width, zorder=4)
