"""The parameters of Gaussians over codes, and how networks give them."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from zsl_runner.models.networks import at_least_fp32
from zsl_runner.objectives.gaussian import bounded_log_variance


class Gaussians(NamedTuple):
    """Diagonal Gaussians, one for each row.

    Attributes:
        mean: (n, d).
        log_var: (n, d), or (1, d) if all rows share it.
    """

    mean: Tensor
    log_var: Tensor


def code_log_variance(output: Tensor) -> Tensor:
    """Return the log-variances of codes that a network's ``output`` stands for: single precision, bounded."""
    return bounded_log_variance(at_least_fp32(output))


def prior_log_variance(output: Tensor) -> Tensor:
    """Return the log-variances of priors that a network's ``output`` stands for.

    Bounded as those of codes, with the sign turned: it is small variances of a prior that divergences explode of.
    """
    return -bounded_log_variance(-at_least_fp32(output))
