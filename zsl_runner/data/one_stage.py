"""The folds of data with training, validation and test rows: one stage that trains, validates and tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

SomeFold = TypeVar("SomeFold")


class OneStage(ABC, Generic[SomeFold]):
    """Base of what cuts the stage ``fit``; see `zsl_runner.data.stage`."""

    def cut(self, stage: str) -> SomeFold:
        """Return training rows and validation rows.

        Raises:
            ValueError: another stage than ``fit``.
        """
        return self._fold_of(stage, "val")

    def tested(self, stage: str) -> SomeFold:
        """Return training rows and test rows.

        Raises:
            ValueError: another stage than ``fit``.
        """
        return self._fold_of(stage, "test")

    @abstractmethod
    def fold(self, evaluated: str) -> SomeFold:
        """Return the training rows and the rows of the split ``evaluated`` (``val`` or ``test``)."""

    def _fold_of(self, stage: str, evaluated: str) -> SomeFold:
        if stage != "fit":
            raise ValueError(f"unknown stage {stage!r}; these data know fit")
        return self.fold(evaluated)
