"""The one place a run reports to; it passes everything on to ``metrics.csv``, TensorBoard, figures and progress."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zsl_runner.config.sections import TrackerConf
from zsl_runner.errors import RunError
from zsl_runner.files.writing import write_bytes
from zsl_runner.tracking.pictures import animated, card, still
from zsl_runner.tracking.progress import Display, display
from zsl_runner.tracking.table import Table, read
from zsl_runner.tracking.tensorboard import Hyperparameter, TensorBoard, cut_back, lost, sizes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = "figures"
CARDS = "zsl figures"
"""Group of figures in TensorBoard, which orders groups by name: after all scalars."""
log = logging.getLogger(__name__)


class Tracker:
    """Passes the events of a run on to its sinks.

    Scalars that cannot be written to ``metrics.csv`` stop a run with a clear `RunError`. Events, figures or a projector
    that fail are reported once, as a warning, and never do.

    Args:
        directory: the run's directory.
        conf: what to write.
        resume_step: None for a new run; otherwise the step of the checkpoint it continues from (-1 if it starts over
            in place): rows and events after it are dropped, earlier ones kept.
        written: what `flush` returned when that checkpoint was saved: whatever came later is dropped, be it of the same
            step; None if the checkpoint does not know.
        run_name: name of the run in TensorBoard's HParams tab and below its figures; by default the last parts of its
            directory, which name model, data set and run.
        progress: where the progress is shown; by default what ``conf.progress`` says.

    Attributes:
        warnings: what could not be written, in sentences.
        undescribed: no events hold yet what `describe` writes: the run is new, or is resumed with its first events.
    """

    def __init__(
        self,
        directory: Path,
        conf: TrackerConf,
        *,
        resume_step: int | None = None,
        written: Mapping[str, Any] | None = None,
        run_name: str | None = None,
        progress: Display | None = None,
    ) -> None:
        self._directory = directory
        self._conf = conf
        self._first_step = 0 if resume_step is None else max(resume_step, 0)
        self.warnings: list[str] = []
        self._failed: set[str] = set()
        self._closed = False
        self._table = Table(directory, resume_step, None if written is None else written["rows"])
        missing = [] if written is None or not conf.tensorboard else lost(directory, written["files"])
        if written is not None:
            cut_back(directory, written["files"])
        self.undescribed = resume_step is None or resume_step < 0 or not sizes(directory)
        if missing and not self.undescribed:  # without any, all curves are written anew
            told = (
                f"{directory}: {', '.join(missing)} removed or cut, so TensorBoard lacks a part of the earlier curves; "
                "metrics.csv has them, and once all event files are removed the next resume= writes them anew"
            )
            self.warnings.append(told)
            log.warning("%s", told)
        self._name = run_name or "/".join(directory.resolve().parts[-3:])
        self._tensorboard: TensorBoard | None = None
        if conf.tensorboard:
            with self._shown():
                self._tensorboard = TensorBoard(directory, resume_step, self._name)
        self._progress = progress or display(conf.progress, self._name)

    def describe(self, hyperparameters: Mapping[str, Hyperparameter], phases: Mapping[str, Sequence[str]]) -> None:
        """Write hyperparameters and chart layout to TensorBoard; nothing if earlier events of the run hold them.

        The curves of a resumed run whose events were removed, or never written, are written anew from
        ``metrics.csv``. Call it before the first scalar.

        Args:
            hyperparameters: the overridden keys and the seed, flat.
            phases: names of the phases of each stage, e.g. ``{"tune": ["pretrain", "learn"]}``.
        """
        if self._tensorboard is not None and self.undescribed:
            with self._shown():
                self._tensorboard.hyperparameters(hyperparameters)
                self._tensorboard.layout(phases)
                self._tensorboard.earlier(read(self._table.path))
        self.undescribed = False

    def conclude(
        self, hyperparameters: Mapping[str, Hyperparameter], results: Mapping[str, float], step: int | None = None
    ) -> None:
        """Show in TensorBoard what a complete run measured: in the HParams tab and in words.

        Args:
            hyperparameters: those of `describe`.
            results: what was measured, by the names of their columns; those that are not finite are left out.
            step: the last step.
        """
        finite = {name: value for name, value in results.items() if math.isfinite(value)}
        if self._tensorboard is not None:
            with self._shown():
                self._tensorboard.outcome(hyperparameters, finite)
                rows = [f"| {name} | {value:.6g} |" for name, value in finite.items()]
                self._tensorboard.text("results", "\n".join(["| metric | value |", "|---|---:|", *rows]), step or 0)

    def text(self, tag: str, body: str) -> None:
        """Write Markdown to TensorBoard's Text tab; a resumed run adds its own at the step where it resumes."""
        if self._tensorboard is not None:
            with self._shown():
                self._tensorboard.text(tag, body, self._first_step)

    def scalars(self, step: int, values: Mapping[str, float], stage: str, phase: str) -> None:
        """Write scalars.

        Args:
            step: steps made in the run so far, over all stages.
            values: metrics by their full tag (``val/H``), anything else by the name of the term.
            stage: ``tune`` or ``final``.
            phase: phase of the trainer.

        Raises:
            RunError: ``metrics.csv`` cannot be written.
        """
        self._table.scalars(step, values, stage, phase)
        if self._tensorboard is not None:
            with self._shown():
                self._tensorboard.scalars(step, values, stage, phase)
        self._progress.scalars(values)

    def figure(
        self, name: str, draw: Figure | Callable[[], Figure | Sequence[Figure]], step: int, *, on_card: bool = True
    ) -> Path | None:
        """Save a figure as ``figures/<name>.png``, several as the frames of ``<name>.gif``; show it in TensorBoard.

        Args:
            name: file name without suffix, and tag.
            draw: the figure, or what draws it or the frames; then a failure to draw is only a warning as well.
            step: step the figure belongs to.
            on_card: also show it in TensorBoard, at the size of a card.

        Returns:
            The file; None if figures are off or this one failed.
        """
        if not self._conf.figures:
            return None
        try:
            drawn = draw() if callable(draw) else draw
            picture = animated(drawn, self._name) if isinstance(drawn, Sequence) else still(drawn, self._name)
            path = self._directory / FIGURES / f"{name}.{picture.kind}"
            path.parent.mkdir(exist_ok=True)
            write_bytes(path, picture.encoded)
            if self._tensorboard is not None and on_card:
                small = picture if isinstance(drawn, Sequence) else card(drawn)
                with self._shown():
                    self._tensorboard.image(f"{CARDS}/{name}", small, step)
        except Exception as error:
            self._warn_once(f"figure {name}", error)
            return None
        return path

    def learning_curves(self, step: int, quantities: Mapping[str, Any] | None = None) -> Path | None:
        """Draw the scalars written so far as ``figures/learning_curves.png``; TensorBoard has charts of them.

        Args:
            step: step the figure belongs to.
            quantities: those of the run's record.
        """

        def draw() -> Figure:
            from zsl_runner.tracking.figures.learning_curves import learning_curves

            return learning_curves(read(self._table.path), quantities)

        return self.figure("learning_curves", draw, step, on_card=False)

    def embedding(
        self, name: str, points: NDArray[np.floating[Any]], columns: Mapping[str, Sequence[str]], step: int
    ) -> None:
        """Write points to TensorBoard's projector, if ``tracker.projector`` asks for it.

        Args:
            name: name of the set of points.
            points: (n, d) features, real and generated.
            columns: for each label column n labels, e.g. ``class`` and ``origin``.
            step: step the points belong to.
        """
        if self._tensorboard is None or not self._conf.projector:
            return
        try:
            self._tensorboard.embedding(name, points, columns, step)
        except Exception as error:
            self._warn_once(f"projector {name}", error)

    def begin_phase(self, stage: str, phase: str, steps: int, done: int = 0) -> None:
        """Show the progress of a phase of ``steps`` steps, ``done`` of which an earlier process made."""
        self._progress.begin_phase(stage, phase, steps, done)

    def advance(self) -> None:
        """Count one step of the phase."""
        self._progress.advance()

    def measure(self, rows: str) -> None:
        """Show that ``val`` or ``test`` rows are measured, until there are scalars."""
        self._progress.measure(rows)

    def flush(self) -> dict[str, Any]:
        """Hand everything written so far to the operating system; return how much it is, for a checkpoint."""
        if self._tensorboard is not None:
            with self._shown():
                self._tensorboard.flush()
        self._look_after_the_table()
        return {"rows": self._table.rows, "files": sizes(self._directory)}

    def close(self, complete: bool = False) -> None:
        """Finish all sinks; may be called again.

        Args:
            complete: the run reached its end, which TensorBoard's HParams tab then shows.
        """
        if self._closed:
            return
        self._closed = True
        self._progress.close()
        self._look_after_the_table()
        self._table.close()
        if self._tensorboard is not None:
            with self._shown():
                self._tensorboard.close(complete)

    @contextmanager
    def _shown(self) -> Iterator[None]:
        """Go on without TensorBoard if its events cannot be written: nothing depends on them."""
        try:
            yield
        except RunError as error:
            self._tensorboard = None
            self._warn_once("TensorBoard's events", error)

    def _look_after_the_table(self) -> None:
        """Say once that rows are lost; a run that was moved as a whole is told of elsewhere."""
        path = self._table.path
        if path.name in self._failed or self._table.is_whole() or not self._directory.is_dir():
            return
        self._failed.add(path.name)
        told = f"{path} was removed, replaced or cut while the run was writing it: earlier rows are lost"
        self.warnings.append(told)
        log.warning("%s; the run continues", told)

    def _warn_once(self, what: str, error: Exception) -> None:
        if what not in self._failed:
            self._failed.add(what)
            self.warnings.append(f"{what} not written: {type(error).__name__}: {error}")
            log.warning("%s was not written: %s: %s; the run continues", what, type(error).__name__, error)
