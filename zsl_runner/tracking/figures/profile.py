"""The operations of a step by the time they take."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from zsl_runner.tracking.figures.style import FAINT, SEEN, styled

SHOWN = 15


@styled
def operations(shares: Sequence[tuple[str, float, float]], title: str) -> Figure:
    """Draw the most expensive operations as bars, and all others together as the last one.

    Args:
        shares: (name, seconds of a step, calls in a step), the most expensive first.
        title: what was recorded.
    """
    shown = list(shares[:SHOWN])
    rest = shares[SHOWN:]
    if rest:
        shown.append((f"{len(rest)} others", sum(share[1] for share in rest), sum(share[2] for share in rest)))
    figure = Figure(figsize=(7.4, 0.6 + 0.27 * (len(shown) + 2)), layout="constrained")
    axes = figure.add_subplot()
    colours = [SEEN] * min(SHOWN, len(shares)) + [FAINT] * bool(rest)
    heights = range(len(shown), 0, -1)
    axes.barh(heights, [1e3 * share[1] for share in shown], color=colours, height=0.72)
    for height, (_, seconds, calls) in zip(heights, shown, strict=True):
        axes.annotate(
            f"{1e3 * seconds:.2f} ms, {calls:g} calls",
            (1e3 * seconds, height),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.set_yticks(heights, [name if len(name) <= 40 else name[:39] + "…" for name, _, _ in shown])
    axes.set_xlim(0, 1.32 * max((1e3 * share[1] for share in shown), default=1.0))
    whole = 1e3 * sum(share[1] for share in shares)
    axes.set(title=f"{title}: {whole:.2f} ms a step", xlabel="milliseconds of a step, without what it calls")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure
