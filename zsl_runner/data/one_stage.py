"""The folds of data with training, validation and test rows: one stage that trains, validates, may test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

SomeFold = TypeVar("SomeFold")


class OneStage(ABC, Generic[SomeFold]):
    """Base of what cuts ``fit`` and ``tune``, which differ in the test alone; see `zsl_runner.data.stage`."""

    def cut(self, stage: str) -> SomeFold:
        """Return training rows and validation rows.

        Raises:
            ValueError: another stage than ``fit`` or ``tune``.
        """
        return self._fold_of(stage, ("fit", "tune"), "val")

    def tested(self, stage: str) -> SomeFold:
        """Return training rows and test rows.

        Raises:
            ValueError: another stage than ``fit``.
        """
        return self._fold_of(stage, ("fit",), "test")

    @abstractmethod
    def fold(self, evaluated: str) -> SomeFold:
        """Return the training rows and the rows of the split ``evaluated`` (``val`` or ``test``)."""

    def _fold_of(self, stage: str, known: tuple[str, ...], evaluated: str) -> SomeFold:
        if stage not in known:
            raise ValueError(f"unknown stage {stage!r}; expected {' or '.join(known)}")
        return self.fold(evaluated)
