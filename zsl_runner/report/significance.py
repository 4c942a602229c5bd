"""Whether a difference between two rows of a table could be chance of the seeds. Needs the standard library only."""

from __future__ import annotations

import math
from collections.abc import Sequence

FEWEST_PAIRS = 5
"""Below, three or four differences say next to nothing about their spread, and no p value is given."""


def two_sided_tail(t: float, freedom: int) -> float:
    r"""Return $P(|T| \ge |t|)$ for Student's t with a whole number of degrees of freedom.

    With $\theta = \arctan(|t| / \sqrt{\nu})$ the probability of the middle is a finite sum of $\cos\theta$:
    for even $\nu$ it is $\sin\theta\,(1 + \tfrac12 \cos^2\theta + \tfrac{1 \cdot 3}{2 \cdot 4} \cos^4\theta + \dots)$
    up to $\cos^{\nu-2}$, for odd $\nu$ it is $\tfrac2\pi\,(\theta + \sin\theta\,(\cos\theta +
    \tfrac23 \cos^3\theta + \tfrac{2 \cdot 4}{3 \cdot 5} \cos^5\theta + \dots))$ up to $\cos^{\nu-2}$
    (Abramowitz and Stegun, 26.7.3 and 26.7.4). Absolute error below 1e-14.

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
    angle = math.atan(abs(t) / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    terms = []
    for power in range(odd, freedom - 1, 2):
        terms.append(term)
        term *= cosine**2 * (power + 1) / (power + 2)
    middle = sine * math.fsum(terms)
    if odd:
        middle = 2 / math.pi * (angle + middle)
    return min(1.0, max(0.0, 1.0 - middle))


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
