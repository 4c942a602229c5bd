"""Whether a difference between two rows of a table could be chance of the seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

FEWEST_PAIRS = 5
"""Below, three or four differences say next to nothing about their spread, and no p value is given."""


def two_sided_tail(t: float, freedom: int) -> float:
    r"""Return $P(|T| \ge |t|)$ for Student's t with a whole number of degrees of freedom.

    Args:
        t: the statistic.
        freedom: degrees of freedom, at least 1.

    Raises:
        ValueError: ``freedom`` is below 1.

    >>> round(two_sided_tail(2.7764, 4), 4), round(two_sided_tail(1.0, 1), 4)
    (0.05, 0.5)
    """
    if freedom < 1:
        raise ValueError(f"Student's t needs a degree of freedom, found {freedom}")
    from scipy.special import stdtr  # only tables with a baseline need it

    return float(2 * stdtr(freedom, -abs(t)))


def paired_p(differences: Sequence[float]) -> float | None:
    r"""Return the p value of the two-sided paired t test, $t = \bar d \sqrt n / s_d$ with $n - 1$ degrees of freedom.

    Args:
        differences: one for each seed both rows have.

    Returns:
        None where the test says nothing: fewer than `FEWEST_PAIRS` differences, or all of them equal.
    """
    n = len(differences)
    if n < FEWEST_PAIRS:
        return None
    mean = math.fsum(differences) / n
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in differences) / (n - 1))
    if spread <= 1e-12 * max(abs(value) for value in differences):
        return None
    return two_sided_tail(mean * math.sqrt(n) / spread, n - 1)


def holm(values: Sequence[float]) -> list[float]:
    """Adjust p values of one family of comparisons after Holm (1979), in their order.

    The k-th smallest of m is multiplied by m - k + 1, and none is smaller than the one before. Rejecting where the
    adjusted value is at most 0.05 keeps the chance of any wrong rejection in the family at 0.05.

    >>> holm([0.04, 0.01, 0.03])
    [0.06, 0.03, 0.06]
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted, highest = [0.0] * len(values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - place) * values[index]))
        adjusted[index] = highest
    return adjusted
