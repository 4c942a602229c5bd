"""Opens a run for what is neither trained nor scored, with classes of one's own if a file describes some."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_runner.console import frame
from zsl_runner.errors import DataError

if TYPE_CHECKING:
    from zsl_runner.data.command.importing.arrays import Found
    from zsl_runner.runs.trained import TrainedRun


def open_with_classes(
    directory: Path, classes: str | None, device: str, batch_size: int | None, root: Path | None
) -> TrainedRun:
    """Return the run in ``directory``; files that are not there are told before torch is imported.

    Args:
        directory: the run's directory.
        classes: ``FILE`` or ``FILE:VARIABLE`` of class vectors with names, which take the place of the run's unseen
            classes; None keeps these.
        device: where to compute.
        batch_size: rows scored at a time; None takes the run's.
        root: folder that the run's own data were moved to; None takes the run's.

    Raises:
        RunError: the run or the file cannot be used, or they do not fit together.
    """
    from zsl_runner.data.command.importing.unlabelled import read_classes

    given = None if classes is None else read_classes(classes)
    with frame.lasting():
        from zsl_runner.data.zero_shot.new_rows import require_own_norm
        from zsl_runner.data.zero_shot.options import ZeroShotConf
        from zsl_runner.runs.opened import open_run
    run = open_run(directory, device, batch_size, root)
    if given is None:
        return run
    with said_of(given.vectors):
        run = run.with_classes(given.vectors.value, given.names)
        conf = run.config.dataset
        assert isinstance(conf, ZeroShotConf)  # its data have class vectors
        require_own_norm(given.vectors.value, run.data, conf.semantic_scaling)
    return run


@contextlib.contextmanager
def said_of(given: Found) -> Iterator[None]:
    """Name file and variable in what is wrong with them."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{given.origin}: {error}") from error
