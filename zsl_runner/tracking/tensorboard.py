"""TensorBoard events of a run: one run per directory, hyperparameters and layout in the same event files.

TensorBoard's own hyperparameter API imports TensorFlow and torch's ``add_hparams`` makes a run of its own, which
separates hyperparameters from curves; both are avoided by writing the summaries directly.
"""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from fnmatch import fnmatch
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_runner.errors import RunError
from zsl_runner.files.folders import entries
from zsl_runner.files.writing import writable, write_bytes
from zsl_runner.tracking.pictures import Picture
from zsl_runner.tracking.table import EVENTS, STAGE_PREFIXES, Row, tag_of

Hyperparameter = bool | int | float | str
MOST_EMBEDDED = 5000
OUTCOME = "events.out.tfevents.0000000000.outcome"
TEST = "test/"
_APPENDED = (EVENTS, "projector_config.pbtxt")


class TensorBoard:
    """Writes the events of one run.

    Args:
        directory: the run's directory, which is also TensorBoard's run.
        resume_step: None for a new run; otherwise TensorBoard hides what an earlier process wrote after this step.
        run_name: name of the run's session in the HParams tab; the same for a resumed run.
    """

    def __init__(self, directory: Path, resume_step: int | None, run_name: str) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter  # imports torch, TensorBoard and protobuf

        self._directory = directory
        self._run_name = run_name
        self._began = time.time()
        # A start mark hides later steps of earlier processes, but TensorBoard takes the first mark of a run for its
        # beginning and hides nothing, so a new run has to write one as well.
        purge_step = 0 if resume_step is None else resume_step + 1
        _wait_for_a_later_name(directory)
        with _disk(directory):
            self._writer = SummaryWriter(str(directory), purge_step=purge_step, flush_secs=10)
            self._events = self._writer._get_file_writer()  # type: ignore[no-untyped-call]  # the one file all of the writer's methods write to

    def hyperparameters(self, values: Mapping[str, Hyperparameter]) -> None:
        """Write the hyperparameters of this run; call it once in a run's life, before its first scalar.

        No experiment summary goes with them: TensorBoard would take the one of a single run and hide every
        hyperparameter that run does not have. Without one it shows the union over all runs, and all their scalars.
        """
        from tensorboard.plugins.hparams import summary_v2 as hparams

        with _disk(self._directory):
            self._add(hparams.hparams_pb(dict(values), trial_id=self._run_name))
            self._writer.flush()

    def layout(self, phases: Mapping[str, Sequence[str]]) -> None:
        """Write the custom-scalars layout; call it once in a run's life.

        Args:
            phases: the names of the phases of each stage.
        """
        charts = {"val": ["Multiline", [f"val/{name}$" for name in ("T1", "U", "S", "H")]]}
        # Only zero-shot data are trained on in these stages.
        accuracy = {"zero-shot accuracy": charts} if phases.keys() & {"tune", "final"} else {}
        losses = {
            f"{STAGE_PREFIXES[stage]}/{phase}": ["Multiline", [f"{STAGE_PREFIXES[stage]}/{phase}/.*"]]
            for stage, names in phases.items()
            for phase in names
        }
        with _disk(self._directory):
            self._writer.add_custom_scalars({**accuracy, "loss terms": losses})
            self._writer.flush()

    def scalars(self, step: int, values: Mapping[str, float], stage: str, phase: str) -> None:
        """Write scalars under their tags, but for those of test rows: measured once, they would be dots in charts.

        The HParams tab has them; see `outcome`.

        Raises:
            RunError: the disk is full or gone.
        """
        self._draw(step, {tag_of(name, stage, phase): value for name, value in values.items()})

    def earlier(self, rows: Iterable[Row]) -> None:
        """Write scalars of which only the table is left as `scalars` would have; their time is that of this process.

        Args:
            rows: in the order in which they were measured.

        Raises:
            RunError: the disk is full or gone.
        """
        for step, measured in groupby(rows, attrgetter("step")):
            self._draw(step, {row.tag: row.value for row in measured})
        self.flush()

    def _draw(self, step: int, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        shown = [
            Summary.Value(tag=tag, simple_value=value) for tag, value in values.items() if not tag.startswith(TEST)
        ]
        with _disk(self._directory):
            self._add(Summary(value=shown), step)

    def text(self, tag: str, body: str, step: int) -> None:
        """Write Markdown for the Text tab."""
        with _disk(self._directory):
            # Bytes of file names that are no text to Python are shown by their numbers: the format knows UTF-8 alone.
            self._writer.add_text(tag, body.encode(errors="backslashreplace").decode(), step)
            self._writer.flush()

    def image(self, tag: str, picture: Picture, step: int) -> None:
        """Write an encoded picture; the page shows the frames of one that moves."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        image = Summary.Image(
            height=picture.height, width=picture.width, colorspace=4, encoded_image_string=picture.encoded
        )
        with _disk(self._directory):
            self._add(Summary(value=[Summary.Value(tag=tag, image=image)]), step)

    def embedding(
        self, tag: str, points: NDArray[np.floating[Any]], columns: Mapping[str, Sequence[str]], step: int
    ) -> None:
        """Write points for the projector, all or none; of more than `MOST_EMBEDDED` an even selection.

        Args:
            tag: name of the set of points.
            points: (n, d) features.
            columns: for each label column n labels, e.g. ``class`` and ``origin``.
            step: step the points belong to.

        Raises:
            RunError: the disk is full or gone.
        """
        chosen = np.unique(np.linspace(0, len(points) - 1, min(len(points), MOST_EMBEDDED)).round().astype(np.int64))
        rows: list[Any] = [[str(labels[row]) for labels in columns.values()] for row in chosen]
        header: list[str] | None = list(columns)
        if len(columns) == 1:
            rows, header = [row[0] for row in rows], None
        name = self._writer._encode(tag)  # type: ignore[no-untyped-call]  # as the writer calls their folder
        folder = self._directory / f"{step:05}" / name
        shutil.rmtree(folder, ignore_errors=True)  # left by a process that was killed after the last step
        try:
            self._writer.add_embedding(points[chosen], rows, None, step, tag, header)
        except BaseException as error:
            # Half of them would show nothing and take the room that the last checkpoint needs.
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                folder.parent.rmdir()
            if isinstance(error, OSError):
                raise RunError(f"{folder}: cannot be written: {error.strerror or error}") from error
            raise

    def outcome(self, hyperparameters: Mapping[str, Hyperparameter], results: Mapping[str, float]) -> None:
        """Put what a complete run measured beside its hyperparameters.

        TensorBoard takes the first session it reads in a run for the only one, in the order of the files' names, so
        this one is in a file before all others. A server that runs already shows it after its next start.

        Args:
            hyperparameters: as in `hyperparameters`.
            results: further columns of the HParams tab.
        """
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.plugins.hparams import summary_v2 as hparams
        from tensorboard.summary.writer.record_writer import RecordWriter

        columns = {**hyperparameters, **results}
        session = hparams.hparams_pb(columns, trial_id=self._run_name)
        stream = io.BytesIO()
        records = RecordWriter(stream)
        for event in (Event(file_version="brain.Event:2"), Event(summary=session)):
            event.wall_time = self._began
            records.write(event.SerializeToString())
        with _disk(self._directory):
            write_bytes(self._directory / OUTCOME, stream.getvalue())

    def flush(self) -> None:
        """Hand everything to the operating system."""
        with _disk(self._directory):
            self._writer.flush()

    def close(self, complete: bool) -> None:
        """Flush and close; a complete run is marked as such in the HParams tab."""
        with _disk(self._directory):
            if complete:
                self._add(_session_end())
            self._writer.close()

    def _add(self, summary: Any, step: int | None = None) -> None:
        self._events.add_summary(summary, step)


def sizes(directory: Path) -> dict[str, int]:
    """Return the size in bytes of each file that TensorBoard's writer appends to, by name."""
    return {path.name: path.stat().st_size for pattern in _APPENDED for path in entries(directory, pattern)}


def cut_back(directory: Path, before: Mapping[str, int]) -> None:
    """Bring those files back to the sizes they had; the younger ones are removed.

    Raises:
        RunError: a file cannot be changed.
    """
    with _disk(directory):
        for name, size in sizes(directory).items():
            if name not in before:
                (directory / name).unlink()
            elif size > before[name]:
                os.truncate(directory / name, before[name])


def lost(directory: Path, before: Mapping[str, int]) -> list[str]:
    """Return the names of those event files that are gone or shorter than they were."""
    now = sizes(directory)
    return [name for name, size in before.items() if fnmatch(name, EVENTS) and now.get(name, 0) < size]


def _wait_for_a_later_name(directory: Path) -> None:
    """Let the second pass in which an earlier process of this run opened its event file.

    TensorBoard reads the files of a run in the order of their names, which begin with that second.
    """
    newest = max((int(path.name.split(".")[3]) for path in entries(directory, EVENTS)), default=0)
    if 0 <= newest - int(time.time()) <= 1:
        time.sleep(newest + 1 - time.time())


def _disk(directory: Path) -> AbstractContextManager[None]:
    """Return what turns an OSError of the event writer, whose thread may report it late, into a RunError."""
    return writable(directory / EVENTS)


def _session_end() -> Any:
    """Return the HParams plugin's mark of a finished run."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=time.time())
    content = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=end))
    return Summary(
        value=[Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=content, tensor=metadata.NULL_TENSOR)]
    )
