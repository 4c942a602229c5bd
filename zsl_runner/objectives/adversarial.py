"""The game of a discriminator that tells draws of a prior from codes, and an encoder that makes it fail."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def discriminator_loss(prior_logits: Tensor, code_logits: Tensor) -> Tensor:
    r"""Cross-entropy of a discriminator whose positives are draws of the prior.

    .. math:: L_D = \frac1n \sum_i -\log \sigma(d_i^{prior}) + \frac1m \sum_j -\log (1 - \sigma(d_j^{code}))

    It is 2 ln 2 = 1.3863 where the discriminator cannot tell them apart, and 0 where it always can.

    Args:
        prior_logits: (n, 1) or (n,) logits d of draws of the prior.
        code_logits: (m, 1) or (m,) logits of codes.

    Returns:
        A scalar >= 0, in nats.

    Source: Goodfellow et al. 2014; Makhzani et al. 2015 with codes as the generated side.

    >>> import torch
    >>> discriminator_loss(torch.zeros(4), torch.zeros(3))
    tensor(1.3863)
    """
    return F.softplus(-prior_logits).mean() + F.softplus(code_logits).mean()


def generator_loss(code_logits: Tensor) -> Tensor:
    r"""The encoder's side of the game, in the form whose gradient does not vanish where the discriminator wins.

    .. math:: L_G = \frac1m \sum_j -\log \sigma(d_j^{code})

    It is ln 2 = 0.6931 where the discriminator cannot tell codes from draws of the prior.

    Args:
        code_logits: (m, 1) or (m,) logits of codes.

    Returns:
        A scalar >= 0, in nats.

    Source: Goodfellow et al. 2014, section 3.

    >>> import torch
    >>> generator_loss(torch.zeros(3))
    tensor(0.6931)
    """
    return F.softplus(-code_logits).mean()
