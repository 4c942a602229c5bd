"""Training rows of the final classifiers: real ones of seen classes, generated ones of unseen classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from zsl_runner.data.zero_shot.folds import FeatureView
from zsl_runner.errors import NonFiniteError
from zsl_runner.models.base import FeatureGenerator
from zsl_runner.models.networks import evaluating, finite
from zsl_runner.streams import Streams

BLOCK = 1024
STORAGE = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class ClassifierRows:
    """Inputs and labels of final classifiers, real rows first.

    Generated rows come in rounds of one row of each unseen class, so that their first ``n * U`` rows hold n of each.

    Attributes:
        inputs: (N + M, D') classifier inputs in the type they are kept in.
        labels: (N + M,) int64 positions in the list of candidates, the S seen classes before the U unseen ones.
        real: number N of real rows.
        seen: number S of seen classes; 0 if there are no real rows.
        unseen: number U of unseen classes.
    """

    inputs: Tensor
    labels: Tensor
    real: int
    seen: int
    unseen: int

    def conventional(self, per_class: int) -> tuple[Tensor, Tensor]:
        """Return (inputs, labels in 0..U-1) of ``per_class`` generated rows of each unseen class."""
        rows = slice(self.real, self.real + per_class * self.unseen)
        return self.inputs[rows], self.labels[rows] - self.seen

    def joint(self, per_class: int) -> tuple[Tensor, Tensor]:
        """Return (inputs, labels in 0..S+U-1) of all real rows and ``per_class`` generated ones of each class."""
        rows = slice(0, self.real + per_class * self.unseen)
        return self.inputs[rows], self.labels[rows]


@dataclass(frozen=True)
class RealRows:
    """Labelled real rows of seen classes.

    Attributes:
        features: N rows.
        labels: (N,) global class ids.
        classes: (S,) global ids of the seen classes; their order is that of the labels of `ClassifierRows`.
    """

    features: FeatureView
    labels: Tensor
    classes: Tensor

    def positions(self) -> Tensor:
        """Return the (N,) labels as positions in ``classes``."""
        table = self.classes.new_zeros(int(self.classes.max()) + 1)
        table[self.classes] = torch.arange(len(self.classes), device=table.device)
        return table[self.labels]


def classifier_rows(
    model: FeatureGenerator,
    unseen_vectors: Tensor,
    per_class: int,
    streams: Streams,
    storage: str,
    real: RealRows | None = None,
) -> ClassifierRows:
    """Generate rows of unseen classes and turn them, after the real ones, into inputs of a classifier.

    The work is done in blocks, in evaluation mode and without gradient; of all rows only the inputs are kept.

    Args:
        model: the generator.
        unseen_vectors: (U, A) vectors of the unseen classes.
        per_class: rows generated of each.
        streams: ``generate`` is drawn from.
        storage: a key of `STORAGE`.
        real: rows of seen classes, none for a classifier of unseen classes alone.

    Raises:
        NonFiniteError: an input is NaN or infinite, or too large for ``storage``.
    """
    unseen, device = len(unseen_vectors), unseen_vectors.device
    drawn = torch.arange(unseen, device=device).repeat(per_class)
    if real is None:
        count, seen, labels = 0, 0, drawn
    else:
        count, seen = len(real.features), len(real.classes)
        labels = torch.cat([real.positions(), seen + drawn])

    def features() -> Iterator[Tensor]:
        if real is not None:
            for _, x in real.features.blocks(BLOCK):
                yield x
        for classes in torch.split(drawn, BLOCK):
            yield model.synthesize(unseen_vectors[classes], streams)

    inputs = torch.empty(0, device=device)
    finite = torch.ones(len(labels), dtype=torch.bool, device=device)
    start = 0
    with evaluating(model), torch.no_grad():
        for x in features():
            block = model.classifier_input(x)
            if start == 0:
                inputs = torch.empty(len(labels), block.shape[1], dtype=STORAGE[storage], device=device)
            stored = inputs[start : start + len(block)].copy_(block)
            finite[start : start + len(block)] = stored.sum(1, dtype=torch.float32).isfinite()
            start += len(block)
    _require_finite(finite, count, storage)
    return ClassifierRows(inputs, labels, count, seen, unseen)


@torch.no_grad()
def real_inputs(model: FeatureGenerator, rows: FeatureView, storage: str) -> Tensor:
    """Return the (n, D') classifier inputs of real rows, kept as `STORAGE` says.

    Raises:
        NonFiniteError: an input is NaN or infinite, or too large for ``storage``.
    """
    blocks = []
    with evaluating(model):
        for _, x in rows.blocks(BLOCK):
            blocks.append(model.classifier_input(x).to(STORAGE[storage]))
    return finite(
        f"inputs of a classifier kept as {storage}",
        torch.cat(blocks),
        "the features are too large for it (scale them, or keep the inputs as float32), or the model has diverged",
    )


def _require_finite(finite: Tensor, real: int, storage: str) -> None:
    """Look once, at the end: the check waits for the device."""
    bad = int((~finite).sum())
    if bad:
        generated = int((~finite[real:]).sum())
        raise NonFiniteError(
            f"final classifier: {generated} of {len(finite) - real} generated and {bad - generated} of {real} real "
            f"training rows hold NaN, infinity or values beyond {storage}; the generator has diverged (lower its "
            "learning rate), or its features are too large (scale them, or keep the inputs as float32)"
        )
