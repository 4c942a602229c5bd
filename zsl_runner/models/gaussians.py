"""The parameters of Gaussians over codes."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Gaussians(NamedTuple):
    """Diagonal Gaussians, one for each row.

    Attributes:
        mean: (n, d).
        log_var: (n, d), or (1, d) if all rows share it.
    """

    mean: Tensor
    log_var: Tensor
