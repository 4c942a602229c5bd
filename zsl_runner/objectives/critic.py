"""Wasserstein critic of one hidden layer: loss, gradient penalty and all gradients in closed form, without a graph.

The critic of a row x (visual part) with condition a is ``C(x, a) = w2 . leaky_relu(W [x, a] + b) + b2``. Inside, hidden
units are rows and the batch is columns: the hidden weight then is the left factor of its products as it lies in memory,
which saves its repacking, half of the time in bfloat16. The right factor is laid out anew, for it is the small one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from zsl_runner.objectives.fixed_linear import product_over_units

CACHE_LINE = 64


class CriticParameters(NamedTuple):
    """Parameters of a critic, or buffers for their gradients.

    Attributes:
        hidden_weight: (H, d + c), for the visual part and then for the condition.
        hidden_bias: (H,).
        output_weight: (1, H).
        output_bias: (1,).
    """

    hidden_weight: Tensor
    hidden_bias: Tensor
    output_weight: Tensor
    output_bias: Tensor


class CriticTerms(NamedTuple):
    """What a critic step saw of each row, on the device of the data; of several steps, ``S`` of each in front.

    Attributes:
        scores: (..., 2, B) of the real and of the generated rows.
        gradient_norms: (..., B) at the interpolates.
    """

    scores: Tensor
    gradient_norms: Tensor

    @property
    def real(self) -> Tensor:
        """(...) mean score of the real rows."""
        return self.scores[..., 0, :].mean(-1)

    @property
    def fake(self) -> Tensor:
        """(...) mean score of the generated rows."""
        return self.scores[..., 1, :].mean(-1)

    @property
    def penalty(self) -> Tensor:
        """(...) mean of (gradient norm - 1)^2, without any weight."""
        return (self.gradient_norms - 1).square().mean(-1)

    @property
    def gradient_norm(self) -> Tensor:
        """(...) mean gradient norm."""
        return self.gradient_norms.mean(-1)

    @classmethod
    def of_steps(cls, steps: Sequence[CriticTerms]) -> CriticTerms:
        """Return those of several steps as one."""
        return cls(*(torch.stack(parts) for parts in zip(*steps, strict=True)))


def product_buffer(parameters: CriticParameters, dtype: torch.dtype) -> Tensor:
    """Return an (H, d + c) buffer of ``dtype`` for `critic_step`, whose rows start at whole cache lines.

    >>> weight = torch.zeros(3, 5)
    >>> product_buffer(CriticParameters(weight, weight[:, 0], weight[:1], weight[0, :1]), torch.bfloat16).stride()
    (32, 1)
    """
    rows, width = parameters.hidden_weight.shape
    line = CACHE_LINE // dtype.itemsize
    padded = -(-width // line) * line
    return torch.zeros(rows, padded, dtype=dtype, device=parameters.hidden_weight.device)[:, :width]


def row_signs(rows: int, weight: float, like: Tensor) -> Tensor:
    r"""Return the derivatives of the loss by the scores of real and of generated rows, and 1 for each interpolate.

    .. math:: \big( -\tfrac{\gamma}{B}, \; \tfrac{\gamma}{B}, \; 1 \big)

    Args:
        rows: B.
        weight: gamma, the factor on the whole loss.
        like: its type and device are taken.

    Returns:
        (3B,), the same in every step of a critic.

    >>> row_signs(2, 1.0, torch.zeros(1))
    tensor([-0.5000, -0.5000,  0.5000,  0.5000,  1.0000,  1.0000])
    """
    signs = like.new_ones(3 * rows)
    signs[:rows].fill_(-weight / rows)
    signs[rows : 2 * rows].fill_(weight / rows)
    return signs


@torch.no_grad()
def critic_step(
    parameters: CriticParameters,
    gradients: CriticParameters,
    real: Tensor,
    fake: Tensor,
    mix: Tensor,
    *,
    real_condition: Tensor | None = None,
    fake_condition: Tensor | None = None,
    radius: float | None = None,
    penalty_weight: Tensor,
    weight: float = 1.0,
    slope: float = 0.2,
    products: Tensor | None = None,
    signs: Tensor | None = None,
) -> CriticTerms:
    r"""Write the gradients of the critic's loss into buffers and return what the loss is made of.

    .. math::
        L = \gamma \Big[ \frac1B \sum_i C(\tilde x_i, \tilde a_i) - \frac1B \sum_i C(x_i, a_i)
            + \frac{\lambda}{B} \sum_i (\| g_i \| - 1)^2 \Big], \qquad
        g_i = \nabla_{\hat x} C(\hat x_i, \hat a_i), \quad
        \hat x_i = \Pi_r(\alpha_i x_i + (1 - \alpha_i) \tilde x_i), \quad
        \hat a_i = \alpha_i a_i + (1 - \alpha_i) \tilde a_i

    x and a are real, with a tilde generated; Pi_r scales a row to norm r, or is the identity. The gradient g is taken
    at the interpolate itself, not through Pi_r, and with respect to the visual part only. Both parts of the
    interpolate's pre-activation are mixtures of those of the real and the generated row, so it needs no product of its
    own. With m = leaky_relu' and u = m w2 there,

    .. math:: g = W_x^T u, \qquad q = \frac{\partial L}{\partial g}
        = \frac{2 \gamma \lambda}{B} \frac{\|g\| - 1}{\|g\|} g, \qquad
        \frac{\partial L}{\partial W_x} \ni u q^T, \qquad \frac{\partial L}{\partial w_2} \ni m \, (W_x q)

    and no part for the biases: the second derivative of leaky_relu is 0. q is 0 where g is 0. The gradient of the
    output bias is exactly 0. Nothing waits for the device and no value is branched on, so the step can be captured.
    Call it outside autocast, whose casts it does not need.

    Args:
        parameters: the critic's, not changed.
        gradients: buffers of the same shapes and types, which must be contiguous; whatever they hold is overwritten.
        real: (B, d) real rows.
        fake: (B, d) generated rows, constants.
        mix: (B, 1) shares alpha in [0, 1] of the real rows, uniform draws.
        real_condition: (B, c) conditions of the real rows; None for a critic without condition.
        fake_condition: (B, c) conditions of the generated rows; None if they are the real rows'.
        radius: r > 0, or None for no projection.
        penalty_weight: scalar lambda >= 0.
        weight: gamma, the factor on the whole loss.
        slope: of leaky_relu for negative values; 1 makes the critic linear.
        products: None for matrix products in the parameters' own type, else a buffer from `product_buffer` in whose
            type the operands and results of the products are rounded. It is overwritten. Sums, norms, the penalty and
            the gradients keep the parameters' type.
        signs: `row_signs` of B and ``weight``, if they were made before; a step starts fewer kernels then.

    Returns:
        Scores and gradient norms; L = weight (fake - real + penalty_weight penalty).

    Raises:
        ValueError: ``fake_condition`` stands alone, or widths do not sum to the hidden weight's.

    Source: WGAN-GP (Gulrajani et al. 2017) with the condition of f-CLSWGAN (Xian et al. 2018); the projection is
    Bi-VAEGAN's (Wang et al. 2023).

    >>> linear = CriticParameters(torch.tensor([[3.0, 4.0]]), torch.zeros(1), torch.ones(1, 1), torch.zeros(1))
    >>> buffers = CriticParameters(*map(torch.empty_like, linear))
    >>> x, one = torch.eye(2), torch.tensor(1.0)
    >>> critic_step(linear, buffers, x, x, x[:, :1], penalty_weight=one, slope=1.0).penalty
    tensor(16.)
    """
    hidden_weight = parameters.hidden_weight
    if real_condition is None and fake_condition is not None:
        raise ValueError("generated rows have conditions and real rows have none")
    rows, visual = real.shape
    given = 0 if real_condition is None else real_condition.shape[1]
    if hidden_weight.shape[1] != visual + given:
        raise ValueError(f"rows of {visual} and conditions of {given} do not make up {hidden_weight.shape[1]} inputs")
    if products is not None:
        hidden_weight = products.copy_(hidden_weight)
    both, visual_weight = 2 * rows, hidden_weight[:, :visual]

    # Right factor of the hidden weight's gradient: real rows, generated rows, and q beside zeros.
    inputs = hidden_weight.new_empty(3 * rows, visual + given)
    if real_condition is None:
        torch.cat([real, fake], out=inputs[:both])
    else:
        torch.cat([real, real_condition], 1, out=inputs[:rows])
        torch.cat([fake, real_condition if fake_condition is None else fake_condition], 1, out=inputs[rows:both])
        inputs[both:, visual:].zero_()

    # (H, 3B): real, generated, interpolated.
    pre_activation = real.new_empty(len(hidden_weight), 3 * rows)
    _product(visual_weight, _laid_out(inputs[:both, :visual].T), pre_activation[:, :both])
    _mix(pre_activation, mix)
    if radius is not None:
        norms = torch.linalg.vector_norm(torch.lerp(fake, real, mix), dim=1)
        pre_activation[:, both:].mul_(_nothing_for_infinity(radius / norms))
    if real_condition is not None and fake_condition is None:
        shared = (hidden_weight[:, visual:] @ inputs[:rows, visual:].T).to(real.dtype)
        pre_activation.view(-1, 3, rows).add_(shared[:, None])
    elif real_condition is not None:
        part = torch.empty_like(pre_activation)
        _product(hidden_weight[:, visual:], inputs[:both, visual:].T, part[:, :both])
        pre_activation += _mix(part, mix)
    pre_activation += parameters.hidden_bias[:, None]

    # dL/dC of each row, with 1 for the interpolates; so the last third of `pulled` is u.
    if signs is None:
        signs = row_signs(rows, weight, real)
    hidden = functional.leaky_relu(pre_activation[:, :both], slope)
    scores = (parameters.output_weight @ hidden + parameters.output_bias).view(2, rows)
    pulled = _times_slopes(parameters.output_weight.T * signs, pre_activation, slope)
    left = pulled.to(hidden_weight.dtype)

    g = product_over_units(_laid_out(left[:, both:].T), visual_weight).to(real.dtype)
    norms = torch.linalg.vector_norm(g, dim=1)
    factor = _nothing_for_infinity(1 - norms.reciprocal()) * (penalty_weight * (2 * weight / rows))
    torch.mul(g, factor[:, None], out=inputs[both:, :visual])
    back = (visual_weight @ _laid_out(inputs[both:, :visual].T)).to(real.dtype)
    of_penalty = _times_slopes(back, pre_activation[:, both:], slope).sum(1)

    torch.addmv(of_penalty, hidden, signs[:both], out=gradients.output_weight.view(-1))
    gradients.output_bias.zero_()
    torch.sum(pulled[:, :both], 1, out=gradients.hidden_bias)
    if products is None:
        torch.mm(left, inputs, out=gradients.hidden_weight)
    else:
        gradients.hidden_weight.copy_(torch.mm(left, inputs, out=products))
    return CriticTerms(scores, norms)


def _laid_out(factor: Tensor) -> Tensor:
    """Return the right factor of a product as a CPU needs it; a GPU reads it as it lies."""
    return factor.contiguous() if factor.device.type == "cpu" else factor


def _product(left: Tensor, right: Tensor, out: Tensor) -> None:
    """Write ``left @ right``, rounded to their type, into ``out``, which may have another."""
    if out.dtype == left.dtype:
        torch.mm(left, right, out=out)
    else:
        out.copy_(left @ right)


def _nothing_for_infinity(values: Tensor) -> Tensor:
    """Put 0 where a norm of 0 was divided by; what is no number stays so."""
    return values.nan_to_num_(nan=math.nan, posinf=0.0, neginf=0.0)


def _mix(columns: Tensor, mix: Tensor) -> Tensor:
    """Fill the last third of the (H, 3B) ``columns`` with the mixture of the other two, in place."""
    real, fake, mixed = columns.chunk(3, 1)
    torch.lerp(fake, real, mix.T, out=mixed)
    return columns


def _times_slopes(coefficients: Tensor, pre_activation: Tensor, slope: float) -> Tensor:
    """Return ``coefficients`` times leaky_relu' in one pass."""
    product: Tensor = torch.ops.aten.leaky_relu_backward(coefficients, pre_activation, slope, False)
    return product
