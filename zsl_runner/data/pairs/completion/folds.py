"""Pairs of observed and predicted pixels on the run's device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from zsl_runner.config.schema import DatasetConf, TrainerConf
from zsl_runner.data.pairs.completion.options import QuadrantConf
from zsl_runner.data.pairs.completion.records import WHITE, CompletionRecords
from zsl_runner.data.pairs.folds import Pair, PairShape, PairStages
from zsl_runner.data.records import Records
from zsl_runner.streams import derived_seed

GREY: Final = 0.5
"""Of the pixels that a picture does not show."""


@dataclass(frozen=True)
class CompletionLayout:
    """How a picture is put together again.

    Attributes:
        observed: (H, W) bool.
        predicted: (H, W) bool.
    """

    observed: Tensor
    predicted: Tensor

    def picture(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Return (B, H, W) pictures: observed pixels of the inputs ``x``, predicted ones of the outputs ``y`` (B, P).

        Pixels that are neither, and those to be predicted if ``y`` is None, are grey.
        """
        pictures = torch.full((len(x), *self.observed.shape), GREY, dtype=x.dtype, device=x.device)
        whole = x.shape[1] == self.observed.numel()
        pictures[:, self.observed] = x[:, self.observed.flatten()] if whole else x
        if y is not None:
            pictures[:, self.predicted] = y.to(pictures.dtype)
        return pictures


class CompletionSource:
    """Inputs are the observed pixels in 0..1, or all pixels with one value for the others; outputs those to predict.

    Args:
        records: images and masks; they are held once, as bytes.
        conf: the kind of target and, if inputs are whole images, the value of pixels that are not observed.
        device: where the pairs are made.
    """

    def __init__(self, records: CompletionRecords, conf: QuadrantConf, device: torch.device) -> None:
        self.images = torch.from_numpy(records.images).to(device).flatten(1)
        self.observed = torch.from_numpy(records.observed).to(device)
        self.predicted = torch.from_numpy(records.predicted).to(device)
        self._columns = self.predicted.flatten().nonzero().flatten()
        self._seen = self.observed.flatten().nonzero().flatten()
        self._target = conf.target
        self._mask_value = conf.mask_value
        self._target_seed = conf.target_seed

    @property
    def shape(self) -> PairShape:
        """Sizes of inputs and outputs."""
        inputs = len(self._seen) if self._mask_value is None else self.images.shape[1]
        return PairShape(x=(inputs,), y=(len(self._columns),), unit_interval=True)

    def take(self, rows: Tensor, generator: torch.Generator | None) -> Pair:
        """Return the pairs of ``rows``; ``generator`` draws sampled targets."""
        pixels = self.images[rows]
        x = pixels[:, self._seen] / WHITE
        if self._mask_value is not None:
            whole = torch.full(pixels.shape, self._mask_value, device=pixels.device)
            x = whole.index_copy_(1, self._seen, x)
        wanted = pixels[:, self._columns]
        if self._target == "grey":
            return Pair(x, wanted / WHITE)
        if self._target == "threshold":
            return Pair(x, (wanted > WHITE // 2).float())
        return Pair(x, (wanted > self._levels(rows, generator)).float())

    def _levels(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return uniform levels 0..254: a pixel v is above one of them with probability v / 255."""
        if generator is not None:
            return torch.randint(WHITE, (len(rows), len(self._columns)), generator=generator, device=rows.device)
        own = torch.Generator()
        levels = torch.empty(len(rows), len(self._columns), dtype=torch.int64)
        for position, row in enumerate(rows.tolist()):  # a row has its own levels, whatever is taken with it
            own.manual_seed(derived_seed(self._target_seed, f"targets of row {row}"))
            levels[position] = torch.randint(WHITE, (len(self._columns),), generator=own)
        return levels.to(rows.device)


def completion_folds(records: Records, conf: DatasetConf, trainer: TrainerConf, device: torch.device) -> PairStages:
    """Return what cuts the folds of images to be completed."""
    assert isinstance(records, CompletionRecords)
    assert isinstance(conf, QuadrantConf)
    source = CompletionSource(records, conf, device)
    layout = CompletionLayout(source.observed, source.predicted)
    return PairStages(source, source.shape, records.splits(), device, layout)
