"""t-SNE of real against generated features of unseen classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from zsl_runner.tracking.figures.style import INK, class_colours, class_keys, halo, short, styled

MOST_POINTS = 600
MOST_ITERATIONS = 500
MOST_LEGEND = 10
MOST_NAMES = 60
MOST_COMPONENTS = 50

Array = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]


@styled
def real_against_generated(
    real: Array,
    real_labels: Labels,
    generated: Array,
    generated_labels: Labels,
    class_names: tuple[str, ...],
    seed: int = 0,
) -> Figure:
    """Draw real and generated features of the same classes in one t-SNE plane.

    Colour is the class, a filled dot is real, a cross is generated. Where generation is good the crosses of a class
    lie among its dots. With more than ten classes the classes' names stand in the plane instead of a legend.

    Args:
        real: (n, d) real features.
        real_labels: (n,) their class ids.
        generated: (m, d) generated features.
        generated_labels: (m,) their class ids.
        class_names: names by class id.
        seed: of the choice of points and of t-SNE.

    Raises:
        ValueError: fewer than four points, a value is not finite, or all points are equal.
    """
    generator = np.random.default_rng(seed)
    real_kept = evenly(real_labels, MOST_POINTS // 2, generator)
    generated_kept = evenly(generated_labels, MOST_POINTS // 2, generator)
    points = np.concatenate([real[real_kept], generated[generated_kept]]).astype(np.float64)
    labels = np.concatenate([real_labels[real_kept], generated_labels[generated_kept]])
    is_real = np.arange(len(points)) < len(real_kept)
    plane = tsne(points, seed)

    classes = np.unique(labels)
    colours = class_colours(len(classes))
    crowded = len(classes) > MOST_LEGEND
    figure = Figure(figsize=(7.2 if crowded else 8.4, 6.4), layout="constrained")
    axes = figure.add_subplot()
    for label, colour in zip(classes, colours, strict=True):
        of_class = labels == label
        dots, crosses = plane[of_class & is_real], plane[of_class & ~is_real]
        axes.scatter(dots[:, 0], dots[:, 1], s=15, color=colour, alpha=0.55, linewidths=0)
        axes.scatter(
            crosses[:, 0], crosses[:, 1], s=22, color=colour, marker="x", linewidths=1.0, alpha=0.9, label="_generated"
        )
    if crowded and len(classes) <= MOST_NAMES:
        for label, colour in zip(classes, colours, strict=True):
            of_class = labels == label
            centre = np.median(plane[of_class & is_real] if (of_class & is_real).any() else plane[of_class], axis=0)
            axes.annotate(
                short(class_names[label], 18),
                tuple(centre),
                xytext=(0, 9),
                textcoords="offset points",
                ha="center",
                fontsize=6.5,
                color=tuple(0.55 * channel for channel in colour[:3]),
                path_effects=halo(),
            )
    axes.set(xticks=[], yticks=[], xlabel="t-SNE 1", ylabel="t-SNE 2")
    axes.set_title(f"Unseen classes: {len(real_kept)} real and {len(generated_kept)} generated features")
    kinds = [
        Line2D([], [], color=INK, marker="o", linestyle="", markersize=5, alpha=0.7, label="real"),
        Line2D([], [], color=INK, marker="x", linestyle="", markersize=5, label="generated"),
    ]
    if crowded:
        axes.legend(handles=kinds, loc="upper right", frameon=True, edgecolor="none", framealpha=0.85)
    else:
        of_classes = class_keys(colours, [class_names[label] for label in classes])
        axes.legend(handles=kinds + of_classes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def evenly(labels: Labels, most: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return ascending positions of at most ``most`` rows, every class with about the same number of them."""
    if len(labels) <= most:
        return np.arange(len(labels))
    order = generator.permutation(len(labels))
    turn = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        turn[members] = np.arange(len(members))
    return np.sort(order[np.argsort(turn[order], kind="stable")[:most]])


def tsne(points: Array, seed: int) -> Array:
    """Return (n, 2) t-SNE coordinates after a reduction to at most 50 principal components.

    Works on one thread: more of them slow each other down beside other runs and may change the last bits.

    Raises:
        ValueError: fewer than four points, a value is not finite, or all points are equal, of which scikit-learn dies.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if len(points) < 4 or not np.isfinite(points).all() or (points == points[0]).all():
        raise ValueError("t-SNE needs at least four points with finite features that are not all equal")
    components = min(MOST_COMPONENTS, *points.shape)
    solver = "full" if points.shape[1] < 500 else "randomized"
    perplexity = min(30.0, (len(points) - 1) / 3)
    with threadpool_limits(limits=1):
        reduced = PCA(components, svd_solver=solver, random_state=seed).fit_transform(points)
        plane: Array = TSNE(
            perplexity=perplexity, init="pca", max_iter=MOST_ITERATIONS, random_state=seed
        ).fit_transform(reduced)
    return plane
