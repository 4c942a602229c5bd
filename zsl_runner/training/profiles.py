"""Shows what torch's profiler recorded: a table in TensorBoard's Text tab, a figure beside the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zsl_runner.tracking.tracker import Tracker

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zsl_runner.training.debugging import Recording


def show(recording: Recording, tracker: Tracker) -> None:
    """Write the table of a recording and draw its operations; the trace is a file of its own."""
    name = f"{recording.stage}/{recording.phase}"
    tracker.text(f"profile/{name}", f"{recording.steps} steps; trace: {recording.trace}\n\n```\n{recording.table}\n```")

    def draw() -> Figure:
        from zsl_runner.tracking.figures.profile import operations

        shares = [(share.name, share.seconds, share.calls) for share in recording.shares]
        return operations(shares, name)

    tracker.figure(f"profile_{recording.stage}_{recording.phase}", draw, 0)
