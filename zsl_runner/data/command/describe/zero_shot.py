"""`zsl-data describe` of a zero-shot data set: in words and numbers, and drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zsl_runner.console.terminal import filled
from zsl_runner.data.records import Rows
from zsl_runner.data.stages import spread
from zsl_runner.data.zero_shot.records import ZeroShotRecords
from zsl_runner.files.names import verbatim

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_CLASSES = 60
SAMPLED_ROWS = 2000
CLASSES_AT_ONCE = 2000
"""Classes that are compared with all others at a time."""
DRAWN_CLASSES = 800
"""Classes on an axis, of which each has a pixel; of more every second is drawn, or every third, and so on."""
MANY_NAMES = 20
"""Classes from which on the picture is larger."""
SHARE_OF_A_PANEL = 0.27
"""Share of the picture's width that a panel has with the names beside it."""
SEEN, HELD_OUT, UNSEEN = "#3b6ea5", "#9fc1e0", "#d9822b"
NAMED_CLASSES = 60
LONGEST_NAME = 20


def describe(records: ZeroShotRecords) -> Iterable[str]:
    """Yield a summary of the data set, line by line."""
    source = records.provenance
    yield f"{records.name}: {records.sizes()} ({source.kind} data)"
    yield ""
    yield f"features       {source.feature_kind}"
    yield from (f"               {line}" for line in _feature_lines(records.features))
    yield f"class vectors  {source.semantics}"
    yield from (f"               {line}" for line in _vector_lines(records))
    yield f"split          {source.split_version}"
    for name, index in split_rows(records).items():
        yield f"               {name:<12}{_sizes(records.labels, index)}"
    for label, text in source.remarks():
        yield f"{label:<15}{text}"
    yield ""
    yield from _class_table(records)


def split_rows(records: ZeroShotRecords) -> dict[str, Rows]:
    """Return the row indices of the three splits by name."""
    return {"trainval": records.trainval, "test_seen": records.test_seen, "test_unseen": records.test_unseen}


def cosine_similarity(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the (K, K) cosines between the rows of (K, A); a zero row is similar to nothing."""
    unit = _unit(vectors)
    return np.asarray(unit @ unit.T)


def _neighbours(vectors: NDArray[np.floating], seen: Rows) -> tuple[tuple[int, int, float], NDArray[np.float64]]:
    """Return the two rows of (K, A) that are most alike, with their cosine, and each row's largest with a seen one.

    The cosines of all pairs are never there at once: of 20,000 classes they would fill gigabytes.
    """
    unit = _unit(vectors)
    alike, nearest = (0, 0, -np.inf), np.empty(len(unit))
    for first in range(0, len(unit), CLASSES_AT_ONCE):
        cosines = unit[first : first + CLASSES_AT_ONCE] @ unit.T
        nearest[first : first + len(cosines)] = cosines[:, seen].max(axis=1)
        own = np.arange(len(cosines))
        cosines[own, first + own] = -np.inf
        one, other = np.unravel_index(cosines.argmax(), cosines.shape)
        if cosines[one, other] > alike[2]:
            alike = first + int(one), int(other), float(cosines[one, other])
    return alike, nearest


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1))


def _feature_lines(features: NDArray[np.float32]) -> Iterable[str]:
    sample = features[:: max(1, len(features) // SAMPLED_ROWS)]
    yield f"from {features.min():.4g} to {features.max():.4g}"
    norms = np.linalg.norm(sample, axis=1)
    yield (
        f"on {len(sample):,} rows: mean {sample.mean():.4g}, deviation {sample.std():.4g}, "
        f"{100 * np.mean(sample == 0):.1f} % zeros, row norms {norms.min():.4g} to {norms.max():.4g}"
    )


def _vector_lines(records: ZeroShotRecords) -> Iterable[str]:
    vectors = records.class_vectors
    yield f"from {vectors.min():.4g} to {vectors.max():.4g}, {100 * np.mean(vectors == 0):.1f} % zeros"
    constant = int((np.ptp(vectors[records.seen_classes], axis=0) == 0).sum())
    yield f"entries: {vectors.shape[1]:,}, {constant} of them equal in all seen classes"
    (first, second, cosine), nearest = _neighbours(vectors, records.seen_classes)
    yield f"most alike: {records.class_names[first]} and {records.class_names[second]}, cosine {cosine:.3f}"
    nearest = nearest[records.unseen_classes]
    yield f"cosine of each unseen class to its nearest seen one: {nearest.min():.3f} to {nearest.max():.3f}"


def _sizes(labels: Rows, index: Rows) -> str:
    counts = np.bincount(labels[index])
    counts = counts[counts > 0]
    return (
        f"{len(index):>7,} rows, {len(counts):>3} classes of {counts.min()} to {counts.max()} rows "
        f"(median {np.median(counts):g})"
    )


def _class_table(records: ZeroShotRecords) -> Iterable[str]:
    count = len(records.class_vectors)
    counts = [np.bincount(records.labels[index], minlength=count) for index in split_rows(records).values()]
    seen, validation = set(records.seen_classes.tolist()), set(records.validation_classes.tolist())
    head, *names = filled(["class", *records.class_names])
    yield f"{'id':>4}  {head}  {'role':<10}  {'trainval':>8}  {'test':>6}"
    for label in range(count):
        if count > SHOWN_CLASSES and SHOWN_CLASSES // 2 <= label < count - SHOWN_CLASSES // 2:
            if label == SHOWN_CLASSES // 2:
                yield f"{'...':>4}  {count - SHOWN_CLASSES} more"
            continue
        role = "validation" if label in validation else "seen" if label in seen else "unseen"
        test = counts[1][label] + counts[2][label]
        yield f"{label:>4}  {names[label]}  {role:<10}  {counts[0][label]:>8}  {test:>6}"


def draw(records: ZeroShotRecords) -> Figure:
    """Return class sizes, feature values and similarities of class vectors."""
    from matplotlib.figure import Figure

    many = MANY_NAMES < len(records.class_names) <= NAMED_CLASSES
    figure = Figure(figsize=(20, 8) if many else (15, 5.6), layout="constrained")
    sizes, values, similarity = figure.subplots(1, 3, width_ratios=(1.25, 0.9, 1.1))
    kind = records.provenance.feature_kind
    known = "" if kind.startswith("unknown") else f"\n{kind}"
    figure.suptitle(verbatim(f"{records.name}: {records.sizes()}{known}"), fontsize=12)
    _draw_sizes(sizes, records)
    _draw_values(values, records)
    _draw_similarity(figure, similarity, records)
    return figure


def _name_classes(axis: Any, names: Sequence[str]) -> None:
    """Write the names of classes along an axis, small and upright enough that none covers another.

    Args:
        axis: the axis; the classes are at 0, 1 and so on.
        names: of the classes.
    """
    short = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in names]
    letters = max(map(len, short))
    panel = 72 * SHARE_OF_A_PANEL * float(axis.axes.figure.get_figwidth())
    # A letter is about 0.7 times as wide as it is tall, and names beside the panel take their length from it.
    size = min(10.0, 0.85 * panel / (len(short) + 0.6 * letters))
    length = 0.7 * size * letters
    upright = axis.axis_name == "x" and length > 0.9 * (panel - length) / len(short)
    axis.set_ticks(np.arange(len(short)), list(map(verbatim, short)), rotation=90 if upright else 0, fontsize=size)


def _draw_sizes(axes: Any, records: ZeroShotRecords) -> None:
    count = len(records.class_vectors)
    counts = {name: np.bincount(records.labels[i], minlength=count) for name, i in split_rows(records).items()}
    total = np.sum(list(counts.values()), axis=0)
    is_unseen = np.isin(np.arange(count), records.unseen_classes)
    order = np.lexsort((-total, is_unseen))
    below = np.zeros(count)
    for (name, values), colour in zip(counts.items(), (SEEN, HELD_OUT, UNSEEN), strict=True):
        above = below + values[order]
        if count <= NAMED_CLASSES:
            axes.bar(np.arange(count), values[order], bottom=below, color=colour, label=name)
        else:  # an outline of all, for a bar of each would take a minute to draw
            axes.stairs(above, np.arange(count + 1) - 0.5, baseline=below, fill=True, color=colour, label=name)
        below = above
    axes.set_title("Rows per class")
    axes.set_ylabel("rows")
    axes.set_ylim(0, 1.18 * below.max())
    axes.legend(frameon=False, loc="upper right", ncols=3)
    if count <= NAMED_CLASSES:
        _name_classes(axes.xaxis, [records.class_names[k] for k in order])
    else:
        axes.set_xlabel("classes, seen ones first, by size")


def _draw_values(axes: Any, records: ZeroShotRecords) -> None:
    rows = records.trainval[spread(len(records.trainval), SAMPLED_ROWS)]
    axes.hist(records.features[rows].ravel(), bins=80, color=SEEN, log=True)
    axes.set_ylim(bottom=0.5)
    axes.set_title("Feature values on training rows")
    axes.set_xlabel("value, unscaled")
    axes.set_ylabel("entries (logarithmic)")


def _draw_similarity(figure: Figure, axes: Any, records: ZeroShotRecords) -> None:
    step = -(-len(records.class_vectors) // DRAWN_CLASSES)
    seen, unseen = records.seen_classes[::step], records.unseen_classes[::step]
    order = np.concatenate([seen, unseen])
    image = axes.imshow(cosine_similarity(records.class_vectors[order]), cmap="viridis", interpolation="nearest")
    figure.colorbar(image, ax=axes, shrink=0.8)
    border = len(seen) - 0.5
    axes.axhline(border, color="white", linewidth=1)
    axes.axvline(border, color="white", linewidth=1)
    axes.set_title("Cosine of class vectors" + ("" if step == 1 else f", one class of {step}"))
    if len(order) <= NAMED_CLASSES:
        names = [records.class_names[k] for k in order]
        for axis in (axes.xaxis, axes.yaxis):
            _name_classes(axis, names)
    else:
        axes.set_xticks([border / 2, (border + len(order)) / 2], ["seen", "unseen"])
        axes.set_yticks([border / 2, (border + len(order)) / 2], ["seen", "unseen"], rotation=90, va="center")
        axes.tick_params(length=0)
