"""Training rows of the final classifiers: labelled real ones, nearly all of seen classes; generated ones of unseen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from zsl_runner.data.zero_shot.folds import FeatureView, ZeroShotTraining
from zsl_runner.errors import NonFiniteError
from zsl_runner.models.base import FeatureGenerator
from zsl_runner.models.networks import evaluating, finite
from zsl_runner.models.returned import of_shape
from zsl_runner.streams import Streams

BLOCK = 1024
STORAGE = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class ClassifierRows:
    """Inputs and labels of final classifiers, real rows first.

    Real rows of unseen classes, which there are in the few-shot setting alone, are the last real ones. Generated rows
    come in rounds of one row of each unseen class, so that their first ``n * U`` rows hold n of each.

    Attributes:
        inputs: (N + M, D') classifier inputs in the type they are kept in.
        labels: (N + M,) int64 positions in the list of candidates, the S seen classes before the U unseen ones.
        real: number N of real rows.
        few: how many of them are of unseen classes.
        seen: number S of seen classes; 0 if there are no real rows.
        unseen: number U of unseen classes.
    """

    inputs: Tensor
    labels: Tensor
    real: int
    few: int
    seen: int
    unseen: int

    def conventional(self, per_class: int) -> tuple[Tensor, Tensor]:
        """Return (inputs, labels in 0..U-1) of real rows of unseen classes and ``per_class`` generated ones of each."""
        rows = slice(self.real - self.few, self.real + per_class * self.unseen)
        return self.inputs[rows], self.labels[rows] - self.seen

    def joint(self, per_class: int) -> tuple[Tensor, Tensor]:
        """Return (inputs, labels in 0..S+U-1) of all real rows and ``per_class`` generated ones of each class."""
        rows = slice(0, self.real + per_class * self.unseen)
        return self.inputs[rows], self.labels[rows]


@dataclass(frozen=True)
class RealRows:
    """Labelled real rows, those of unseen classes last.

    Attributes:
        features: N rows.
        labels: (N,) positions of their classes in the list of candidates, the S seen classes before the unseen ones.
        few: how many rows are of unseen classes.
        seen: S.
    """

    features: FeatureView
    labels: Tensor
    few: int
    seen: int

    @classmethod
    def of(cls, train: ZeroShotTraining, seen: Tensor) -> RealRows:
        """Return the labelled rows of a training set whose classes are candidates.

        Args:
            train: its unseen classes are the further candidates.
            seen: (S,) global ids of the seen classes; their order is that of the labels returned.
        """
        candidates = torch.cat([seen, train.unseen_classes])
        table = candidates.new_full((len(train.class_vectors),), -1)
        table[candidates] = torch.arange(len(candidates), device=table.device)
        places = table[train.labels]
        of_unseen, foreign = places >= len(seen), places < 0
        few = int(of_unseen.sum())
        if not few and not foreign.any():
            return cls(train.features, places, few, len(seen))
        order = torch.cat([mask.nonzero().squeeze(1) for mask in (~(of_unseen | foreign), of_unseen)])
        return cls(train.features.part(order), places[order], few, len(seen))

    def balanced(self, per_class: int, generator: torch.Generator) -> RealRows:
        """Return ``per_class`` rows of each class that has some, all different or each of them nearly equally often.

        Args:
            per_class: rows of each class.
            generator: draws the order in which the rows of a class are taken, on the device of the labels.
        """
        shuffled = torch.randperm(len(self.labels), generator=generator, device=self.labels.device)
        grouped = shuffled[self.labels[shuffled].argsort(stable=True)]
        counts = self.labels.bincount()
        counts = counts[counts > 0]
        first = counts.cumsum(0) - counts
        turns = torch.arange(per_class, device=self.labels.device)
        order = grouped[(first[:, None] + turns % counts[:, None]).flatten()]
        labels = self.labels[order]
        return RealRows(self.features.part(order), labels, int((labels >= self.seen).sum()), self.seen)


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
        real: labelled rows, none for a classifier that learns from generated rows alone.

    Raises:
        NonFiniteError: an input is NaN or infinite, or too large for ``storage``.
        RunError: the model returned another shape than it was asked for.
    """
    unseen, device = len(unseen_vectors), unseen_vectors.device
    drawn = torch.arange(unseen, device=device).repeat(per_class)
    if real is None:
        count, few, seen, labels = 0, 0, 0, drawn
    else:
        count, few, seen = len(real.features), real.few, real.seen
        labels = torch.cat([real.labels, seen + drawn])

    def blocks() -> Iterator[tuple[str, int, Tensor]]:
        """Yield what made each block, how many rows it was asked for, and the inputs."""
        if real is not None:
            for positions, x in real.features.blocks(BLOCK):
                yield "training_input", len(positions), model.training_input(x, streams)
        for classes in torch.split(drawn, BLOCK):
            yield "synthesize_input", len(classes), model.synthesize_input(unseen_vectors[classes], streams)

    inputs = torch.empty(0, device=device)
    finite = torch.ones(len(labels), dtype=torch.bool, device=device)
    start = 0
    with evaluating(model), torch.no_grad():
        for method, asked, returned in blocks():
            width = inputs.shape[1] if start else None  # that of the first block
            block = of_shape(returned, model, _its_own(model, method), asked, width)
            if start == 0:
                inputs = torch.empty(len(labels), block.shape[1], dtype=STORAGE[storage], device=device)
            stored = inputs[start : start + len(block)].copy_(block)
            finite[start : start + len(block)] = stored.sum(1, dtype=torch.float32).isfinite()
            start += len(block)
    _require_finite(finite, count, storage)
    return ClassifierRows(inputs, labels, count, few, seen, unseen)


@torch.no_grad()
def real_inputs(model: FeatureGenerator, rows: FeatureView, storage: str) -> Tensor:
    """Return the (n, D') classifier inputs of real rows, kept as `STORAGE` says.

    Raises:
        NonFiniteError: an input is NaN or infinite, or too large for ``storage``.
    """
    blocks = []
    with evaluating(model):
        for _, x in rows.blocks(BLOCK):
            block = of_shape(model.classifier_input(x), model, "classifier_input", len(x), None)
            blocks.append(block.to(STORAGE[storage]))
    return finite(
        f"inputs of a classifier kept as {storage}",
        torch.cat(blocks),
        "the features are too large for it (scale them, or keep the inputs as float32), or the model has diverged",
    )


def _its_own(model: FeatureGenerator, method: str) -> str:
    """Return the method that the model's class gives itself, behind one it has from its base."""
    if getattr(type(model), method) is not getattr(FeatureGenerator, method):
        return method
    return "classifier_input" if method == "training_input" else "synthesize"


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
