"""What scores rows for the classes of an evaluation set, a block of rows at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from zsl_runner.models.base import ClassScorer, Model
from zsl_runner.models.networks import evaluating, finite
from zsl_runner.models.returned import of_shape


class Scorer(ABC):
    """Scores rows for the S seen classes of an evaluation set, which come first, and its U unseen ones.

    Args:
        model: the trained model; scores are those of its weights at the time they are asked for.

    Attributes:
        oracle: ``oracle/*`` metrics that only whoever made the scorer can compute.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.oracle: Mapping[str, float] = {}

    @abstractmethod
    def scores(self, x: Tensor) -> Tensor:
        """Return (B, S + U) scores of features (B, D) for all candidates; the larger wins.

        Raises:
            NonFiniteError: some are NaN or infinite.
            RunError: the model returned another shape.
        """

    @abstractmethod
    def with_conventional(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return (B, U) scores for the unseen classes alone, and what `scores` returns."""

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Evaluate inside the block: without gradient, and with the model in inference mode."""
        with evaluating(self.model), torch.no_grad():
            yield


class ModelScorer(Scorer):
    """The model's own scores.

    Args:
        model: scores classes.
        class_vectors: (S + U, A) scaled vectors of the candidates.
        seen: number S of seen classes.
    """

    def __init__(self, model: ClassScorer, class_vectors: Tensor, seen: int) -> None:
        super().__init__(model)
        self._score = model.class_scores
        self._class_vectors = class_vectors
        self._seen = seen

    def scores(self, x: Tensor) -> Tensor:
        """Return the model's scores; see `Scorer.scores`."""
        scores = self._score(x, self._class_vectors)
        return finite("class scores", of_shape(scores, self.model, "class_scores", len(x), len(self._class_vectors)))

    def with_conventional(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return a part of the scores, and the scores."""
        every = self.scores(x)
        return every[:, self._seen :], every
