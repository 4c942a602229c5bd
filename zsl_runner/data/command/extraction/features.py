"""`zsl-data extract`: pictures in class folders become features, part by part."""

from __future__ import annotations

import json
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from zsl_runner.data.command.extraction.backbones import Backbone
from zsl_runner.data.command.extraction.parts import Parts
from zsl_runner.data.command.extraction.watching import Watch
from zsl_runner.data.sources.pictures.walk import PictureFile
from zsl_runner.errors import DataError
from zsl_runner.files.arrays import write_arrays
from zsl_runner.files.names import some

BATCHES: Final = 8
"""Batches in a part: what a kill costs at most."""
Pixels = NDArray[np.uint8]


@dataclass
class Extraction:
    """What turns pictures into features.

    Args:
        pictures: their files.
        backbone: the network, on the device.
        device: where it computes.
        batch: pictures in a batch.
        workers: threads that read pictures.
        parts: what was computed so far.

    Attributes:
        broken: why pictures cannot be read, by their position.
    """

    pictures: Sequence[PictureFile]
    backbone: Backbone
    device: torch.device
    batch: int
    workers: int
    parts: Parts
    broken: dict[int, str] = field(default_factory=dict)

    def features(self, watch: Watch) -> NDArray[np.float32]:
        """Return the (N, D) features of all pictures.

        Batches are cut by position, so that an extraction that was ended and goes on computes the very batches of one
        in one go. All pictures are read before a broken one is complained of.

        Raises:
            DataError: pictures are broken, or the backbone gives what is no row of numbers for each.
        """
        count = len(self.pictures)
        found = []
        with ThreadPoolExecutor(self.workers) as pool, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `decoded` does it for a single thread
            try:
                for start in range(0, count, self.batch * BATCHES):
                    rows = range(start, min(start + self.batch * BATCHES, count))
                    found.append(self._part(rows, pool, watch))
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        if self.broken:
            raise DataError(
                f"{len(self.broken)} of {count} pictures cannot be read; mend or remove them and repeat the "
                f"command, which keeps what is done:\n  "
                + "\n  ".join(reason for _, reason in sorted(self.broken.items()))
            )
        widths = {part.shape[1] for part in found}
        if len(widths) > 1:
            raise DataError(f"--backbone: expected features of one width, found {some(map(str, sorted(widths)))}")
        return np.concatenate(found)

    def _part(self, rows: range, pool: ThreadPoolExecutor, watch: Watch) -> NDArray[np.float32]:
        """Return the features of some pictures; they are computed and kept if they were not before."""
        path = self.parts.path([self._identity(row) for row in rows])
        kept = self.parts.take(path)
        if kept is not None:
            watch.skip(len(rows))
            return kept
        broken_before = len(self.broken)
        found: list[NDArray[np.float32]] = []
        for pixels in _batches(_ahead(pool, self._pixels, rows, 2 * self.batch), self.batch):
            whole = [square for square in pixels if square is not None]
            if len(self.broken) == broken_before:  # of a part that cannot be kept, pictures are read alone
                found.append(self._rows(np.stack(whole), rows.start + sum(map(len, found))))
            watch.advance(len(pixels))
        if len(self.broken) > broken_before:
            return np.empty((0, 0), dtype=np.float32)
        part = np.concatenate(found)
        self.parts.keep(path, part)
        return part

    def _rows(self, pixels: Pixels, first: int) -> NDArray[np.float32]:
        features = self.backbone.features(pixels, self.device)
        wrong = np.flatnonzero(~np.isfinite(features).all(axis=1))
        if len(wrong):
            path = self.pictures[first + wrong[0]].path
            raise DataError(f"{path}: the backbone gives NaN or infinite features; is it the picture or the weights?")
        return features

    def _pixels(self, row: int) -> Pixels | None:
        """Return the pixels of a picture; None, and a note, if it is broken."""
        try:
            return self.backbone.preprocessing.pixels(self.pictures[row].path)
        except DataError as error:
            self.broken[row] = str(error)
            return None

    def _identity(self, row: int) -> tuple[str, int, int]:
        """Return what tells a picture from another one or from one that was changed: name, bytes and time."""
        picture = self.pictures[row]
        try:
            status = picture.path.stat()
        except OSError as error:
            raise DataError(f"{picture.path}: cannot be read: {error.strerror or error}") from error
        return picture.name, status.st_size, status.st_mtime_ns


def common(backbone: Backbone, device: torch.device, batch: int) -> dict[str, Any]:
    """Return what every part is computed with: anything that changes a bit of it."""
    return {
        "backbone": backbone.fingerprint(),
        "preprocessing": asdict(backbone.preprocessing),
        "batch": batch,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def write(
    path: Path,
    pictures: Sequence[PictureFile],
    labels: Sequence[str],
    features: NDArray[np.float32],
    provenance: dict[str, Any],
) -> None:
    """Write features, labels and files, and how they were made.

    Raises:
        RunError: the file cannot be written.
    """
    write_arrays(
        path,
        {
            "features": features,
            "labels": np.array(labels),
            "files": np.array([picture.name for picture in pictures]),
            "provenance": np.array(json.dumps(provenance)),
        },
    )


def _ahead(
    pool: ThreadPoolExecutor, read: Callable[[int], Pixels | None], rows: Iterable[int], depth: int
) -> Iterator[Pixels | None]:
    """Yield what ``read`` returns for each row, in their order, while up to ``depth`` further ones are read."""
    waiting: deque[Future[Pixels | None]] = deque()
    for row in rows:
        waiting.append(pool.submit(read, row))
        if len(waiting) > depth:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _batches(squares: Iterable[Pixels | None], size: int) -> Iterator[Sequence[Pixels | None]]:
    batch: list[Pixels | None] = []
    for square in squares:
        batch.append(square)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
