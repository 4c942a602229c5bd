"""What unlabelled rows change: generated features before and after, and the class prior that training assumed."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from zsl_runner.tracking.figures.generated_features import Array, Labels, evenly, tsne
from zsl_runner.tracking.figures.style import FAINT, INK, UNSEEN, class_colours, shorts, styled

MOST_POINTS = 900
MOST_NAMES = 60
MOST_BARS = 200
"""Classes with bars of their own; of more there are outlines, on a picture that does not grow with them."""


@styled
def before_and_after(
    real: Array,
    real_labels: Labels,
    before: Array,
    before_labels: Labels,
    after: Array,
    after_labels: Labels,
    seed: int = 0,
) -> Figure:
    """Draw two panels in one t-SNE plane: real features, with those generated before and after.

    Colour is the class, a filled dot is real, a cross is generated.

    Args:
        real: (n, d) real features of unseen classes.
        real_labels: (n,) their class ids.
        before: (m, d) features generated before the transductive phase.
        before_labels: (m,) their class ids.
        after: (k, d) features generated at the end.
        after_labels: (k,) their class ids.
        seed: of the choice of points and of t-SNE.

    Raises:
        ValueError: fewer than four points, a value is not finite, or all points are equal.
    """
    generator = np.random.default_rng(seed)
    kept = [
        (rows[chosen], labels[chosen])
        for rows, labels in ((real, real_labels), (before, before_labels), (after, after_labels))
        for chosen in [evenly(labels, MOST_POINTS // 3, generator)]
    ]
    plane = tsne(np.concatenate([rows for rows, _ in kept]).astype(np.float64), seed)
    parts = np.split(plane, np.cumsum([len(rows) for rows, _ in kept])[:-1])
    classes = np.unique(np.concatenate([labels for _, labels in kept]))
    colours = np.array([to_rgb(colour) for colour in class_colours(len(classes))])
    figure = Figure(figsize=(10.6, 5.2), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, title, part in zip(panels, ("before", "after"), (1, 2), strict=True):
        for index, marker, size, alpha in ((0, "o", 14, 0.5), (part, "x", 22, 0.95)):
            shades = colours[np.searchsorted(classes, kept[index][1])]
            edge = 0.0 if marker == "o" else 1.1
            axes.scatter(*parts[index].T, s=size, c=shades, marker=marker, alpha=alpha, linewidths=edge)
        axes.set(xticks=[], yticks=[], xlabel="t-SNE 1")
        axes.set_title(f"{title}: {len(parts[part])} generated features (crosses), {len(parts[0])} real (dots)")
    panels[0].set_ylabel("t-SNE 2")
    figure.suptitle(f"{len(classes)} unseen classes before and after unlabelled rows were used", x=0.01, ha="left")
    return figure


@styled
def class_prior_bars(assumed: Array, true: Array, class_names: tuple[str, ...]) -> Figure:
    """Draw one pair of bars for each class, the most frequent first, and a line at the uniform share.

    Args:
        assumed: (U,) shares training drew classes from.
        true: (U,) shares among the unseen rows' labels.
        class_names: the U names.
    """
    order = np.argsort(-true, kind="stable")
    places = np.arange(len(order))
    figure = Figure(figsize=(max(6.4, 0.17 * min(len(order), MOST_NAMES) + 2.5), 4.0), layout="constrained")
    axes = figure.add_subplot()
    if len(order) <= MOST_BARS:
        axes.bar(places - 0.21, 100 * true[order], 0.4, color=INK, label="true")
        axes.bar(places + 0.21, 100 * assumed[order], 0.4, color=UNSEEN, label="used in training")
    else:
        edges = np.arange(len(order) + 1) - 0.5
        axes.stairs(100 * assumed[order], edges, color=UNSEEN, fill=True, label="used in training")
        axes.stairs(100 * true[order], edges, color=INK, label="true")
    axes.axhline(100 / len(order), color=FAINT, linewidth=1.2, linestyle="--", label="uniform")
    if len(order) <= MOST_NAMES:
        axes.set_xticks(places, shorts([class_names[index] for index in order], 18), rotation=90, fontsize=6.5)
    else:
        axes.set_xticks([])
    axes.tick_params(axis="x", length=0)
    axes.margins(x=0.01)
    distance = float(np.abs(assumed - true).sum())
    uniform = float(np.abs(1 / len(order) - true).sum())
    axes.set(ylabel="share of unseen rows, per cent")
    axes.set_title(f"Class prior: L1 distance from the true one {distance:.3f} (uniform: {uniform:.3f})")
    axes.set_ylim(top=115 * max(assumed.max(), true.max()))
    axes.legend(ncols=3, loc="upper right")
    return figure
