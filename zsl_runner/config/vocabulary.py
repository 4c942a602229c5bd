"""The words in which components say what they are for: stages of a run, views of data. Never imports torch."""

from __future__ import annotations

from enum import Enum
from typing import Final

VALIDATING: Final = ("tune", "fit")
"""Stages that validate on the way."""

TESTING: Final = ("final", "fit")
"""Stages that read the test rows at their end."""


class View(Enum):
    """How a model or an evaluator reads data: as they are, or as those of another kind; see `zsl_runner.data.views`."""

    OWN = "own"
    PAIRS = "pairs"
    ROWS = "rows"
