"""What the steps draw: rows, class vectors, noise and the mixing of interpolates, several batches at a time.

Positions of rows are drawn on the host, all else on the device (the two halves of a `Step`). Seen and unseen draws come
from streams of their own, so that switching the unseen side on changes no seen draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from zsl_runner.data.rows import distinct_positions, likely_positions
from zsl_runner.data.zero_shot.folds import ZeroShotTraining
from zsl_runner.streams import Streams
from zsl_runner.training.base import Drawn


@dataclass(frozen=True)
class Rows(Drawn):
    """Positions of the rows of some batches.

    Attributes:
        seen: (n,) int64 labelled rows.
        unlabelled: (n,) int64 rows of the unlabelled pool; None for none.
    """

    seen: Tensor
    unlabelled: Tensor | None = None


@dataclass(frozen=True)
class Draws:
    """Some batches of one side; row i of every tensor belongs together.

    Attributes:
        vectors: (n, A) class vectors.
        noise: (n, Z) from N(0, I).
        mix: (n, 1) uniform in [0, 1], the real row's share of an interpolate.
        rows: (n, D) real rows; on the unseen side they are drawn independently of the class vectors, or not at all.
        labels: (n,) global class ids of the class vectors.
    """

    vectors: Tensor
    noise: Tensor
    mix: Tensor
    labels: Tensor
    rows: Tensor | None = None

    def batches(self, count: int) -> Iterator[Draws]:
        """Yield ``count`` equal parts."""
        parts = {
            field.name: value.chunk(count) for field in fields(self) if (value := getattr(self, field.name)) is not None
        }
        for index in range(count):
            yield Draws(**{name: chunks[index] for name, chunks in parts.items()})

    def with_noise(self, noise: Tensor) -> Draws:
        """Return the same draws with other noise (n, Z)."""
        return replace(self, noise=noise)

    @property
    def real(self) -> Tensor:
        """The real rows, where there must be some."""
        assert self.rows is not None
        return self.rows


class Drawing:
    """Draws batches of one training set.

    Args:
        data: labelled rows of seen classes, class vectors, perhaps unlabelled rows.
        streams: the run's generators.
        batch_size: rows of a batch; fewer if either side has fewer.
        latent: width Z of the noise.

    Attributes:
        size: rows of a batch.
        class_prior: (U,) frequencies from which unseen classes are drawn; may change at any time, in place.
    """

    def __init__(self, data: ZeroShotTraining, streams: Streams, batch_size: int, latent: int) -> None:
        self.data = data
        self.latent = latent
        self._streams = streams
        self._device = data.features.device
        pool = len(data.unlabelled) if data.unlabelled is not None else batch_size
        self.size = min(batch_size, len(data.features), pool)
        unseen = len(data.unseen_classes)
        uniform = torch.full((unseen,), 1 / unseen, device=self._device)
        self.class_prior = uniform if data.unseen_prior is None else data.unseen_prior.clone()

    def rows(self, batches: int, purpose: str, unlabelled: bool = False) -> Rows:
        """Return positions for so many batches, each without repetition, from the streams of ``purpose``.

        Args:
            batches: number of batches.
            purpose: what they are for.
            unlabelled: whether also of the unlabelled pool, independent of the labelled ones.
        """
        seen = self._positions(len(self.data.features), batches, f"{purpose}_seen")
        if not unlabelled:
            return Rows(seen)
        assert self.data.unlabelled is not None
        return Rows(seen, self._positions(len(self.data.unlabelled), batches, f"{purpose}_unseen"))

    def seen(self, rows: Rows, purpose: str) -> Draws:
        """Return the labelled rows with what belongs to them, from the streams of ``purpose``."""
        positions = rows.seen
        labels = self.data.labels[positions]
        return Draws(
            vectors=self.data.class_vectors[labels],
            noise=self.noise(len(positions), f"{purpose}_seen"),
            mix=self._mix(len(positions), f"{purpose}_seen"),
            labels=labels,
            rows=self.data.features.take(positions),
        )

    def unseen(self, rows: Rows, purpose: str) -> Draws:
        """Return as many unseen classes, drawn from the class prior, and the unlabelled rows, independent of them."""
        assert rows.unlabelled is not None
        assert self.data.unlabelled is not None
        classes = self.unseen_classes(len(rows.unlabelled), purpose)
        return replace(classes, rows=self.data.unlabelled.take(rows.unlabelled))

    def unseen_classes(self, count: int, purpose: str) -> Draws:
        """Return unseen classes drawn from the class prior, without rows."""
        drawn = likely_positions(self.class_prior, count, self._streams[f"{purpose}_unseen_classes"])
        labels = self.data.unseen_classes[drawn]
        return Draws(
            vectors=self.data.class_vectors[labels],
            noise=self.noise(count, f"{purpose}_unseen"),
            mix=self._mix(count, f"{purpose}_unseen"),
            labels=labels,
        )

    def noise(self, count: int, purpose: str) -> Tensor:
        """Return (count, Z) numbers from N(0, I)."""
        return torch.randn(count, self.latent, generator=self._streams[f"{purpose}_noise"], device=self._device)

    def uniform_like(self, values: Tensor, purpose: str) -> Tensor:
        """Return uniform numbers in [0, 1] of the shape of ``values``."""
        return torch.rand(values.shape, generator=self._streams[purpose], device=self._device)

    def _mix(self, count: int, purpose: str) -> Tensor:
        return torch.rand(count, 1, generator=self._streams[f"{purpose}_mix"], device=self._device)

    def _positions(self, count: int, batches: int, purpose: str) -> Tensor:
        drawn = distinct_positions(count, self.size, batches, self._streams.on_host(f"{purpose}_rows")).flatten()
        if self._device.type == "cuda":  # which copies from other memory only when it has nothing else to do
            drawn = drawn.pin_memory()
        return drawn.to(self._device, non_blocking=True)
