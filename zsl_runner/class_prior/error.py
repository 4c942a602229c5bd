"""How far an estimated class prior is from the true one."""

from __future__ import annotations

from torch import Tensor


def prior_error(estimate: Tensor, truth: Tensor) -> dict[str, float]:
    r"""Return the L1 distance and the divergence from the truth.

    $L_1 = \sum_c |p_c - q_c|$ in [0, 2], $\mathrm{KL} = \sum_c q_c \log (q_c / p_c)$ in nats, for an estimate p of the
    truth q; the divergence is infinite if a class that occurs has estimated share 0.

    Args:
        estimate: (C,) distribution.
        truth: (C,) distribution.

    Returns:
        ``l1`` and ``kl``.
    """
    p, q = estimate.double(), truth.double()
    occurs = q > 0
    return {"l1": float((p - q).abs().sum()), "kl": float((q[occurs] * (q[occurs] / p[occurs]).log()).sum())}
