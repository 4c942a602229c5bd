"""The latest numbers of a run in words, for its progress line."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy

ACCURACIES = ("val/T1", "val/H", "test/H")
MOST_TERMS = 5


class Recent:
    """The latest values in words: terms of the loss of the running phase and the validation metrics."""

    def __init__(self) -> None:
        self._terms: dict[str, float] = {}
        self._metrics: dict[str, float] = {}
        self._stage = ""

    def copy(self) -> Recent:
        """Return the values as they are now."""
        return deepcopy(self)

    def begin_phase(self, stage: str) -> None:
        """Forget the terms of the phase before, and the metrics of the stage before."""
        self._terms = {}
        if stage != self._stage:
            self._stage, self._metrics = stage, {}

    def take(self, values: Mapping[str, float]) -> None:
        """Keep the terms among ``values``, and the accuracies or, where there are none, the first metric."""
        self._terms |= {name: value for name, value in values.items() if "/" not in name}
        metrics = {name: value for name, value in values.items() if name.startswith(("val/", "test/"))}
        accuracies = {name: value for name, value in metrics.items() if name in ACCURACIES}
        self._metrics |= accuracies or dict(list(metrics.items())[:1])

    def __str__(self) -> str:
        return "  ".join(self._words(MOST_TERMS))

    def fitting(self, width: int) -> str:
        """Return as many of the values, whole ones, as fit into so many characters: the last terms give way first."""
        for terms in range(MOST_TERMS, -1, -1):
            shown = "  ".join(self._words(terms))
            if len(shown) <= width:
                return shown
        words = self._words(0)
        while words and len("  ".join(words)) > width:
            words.pop()
        return "  ".join(words)

    def _words(self, terms: int) -> list[str]:
        shown = [f"{name} {value:.4g}" for name, value in list(self._terms.items())[:terms]]
        metrics = [f"{name} {value:{'.1f' if name in ACCURACIES else '.4g'}}" for name, value in self._metrics.items()]
        return shown + metrics
