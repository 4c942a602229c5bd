"""Writes the codes that the newest checkpoint of a run gives images, for programs elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zsl_runner.console import frame
from zsl_runner.evaluate.scores import described
from zsl_runner.files.arrays import write_arrays


def write_codes(
    directory: Path,
    output: Path,
    of_training: bool = False,
    pictures: Path | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    root: Path | None = None,
) -> dict[str, Any]:
    """Write the codes of the images that the run is scored on, or of the training images.

    The file holds the parts of the codes under their names; ``rows``, where the images stand in the data set; of images
    with classes ``labels``, the names of these (empty where nobody knows one); of images in files ``images``, the paths
    of these below their folder.

    Args:
        directory: the run's directory.
        output: the ``.npz`` file, which must not exist yet.
        of_training: whether they are those of the training images.
        pictures: folder of pictures in place of the run's own; None takes these.
        device: where to compute.
        batch_size: images at a time; None takes the run's.
        root: folder that the run's own data were moved to; None takes the run's.

    Returns:
        What `zsl_runner.evaluate.scores.evaluate` yields of the run, the file, and the width of each part by name.

    Raises:
        RunError: the run's model gives images no codes, or the file cannot be written.
    """
    with frame.lasting():
        from zsl_runner.data.images.records import ImageRecords
        from zsl_runner.data.records import of_kind
        from zsl_runner.runs.opened import open_run
    run = open_run(directory, device, batch_size, root)
    if pictures is not None:
        run = run.with_pictures(pictures)
    codes = run.codes(of_training)
    records, rows = of_kind(run.data, ImageRecords, "images"), codes.rows.cpu().numpy()
    arrays = {name: part.cpu().numpy() for name, part in codes.values.items()}
    beside = {"rows": rows}
    if (codes.labels >= 0).any():
        beside["labels"] = np.asarray([*records.class_names, ""], dtype=str)[codes.labels.cpu().numpy()]
    if records.names:
        beside["images"] = np.asarray(records.names, dtype=str)[rows]
    write_arrays(output, arrays | beside)
    return {
        **described(run),
        "codes": str(output),
        "images": len(rows),
        "widths": {name: part.shape[1] for name, part in arrays.items()},
    }
