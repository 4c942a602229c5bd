"""The critic step as usually written, with separate passes and a double backward: the reference for the closed form."""

import torch
from torch.nn import functional as F

from zsl_runner.objectives.critic import CriticParameters, CriticTerms


def score(parameters, x, condition, slope):
    joined = x if condition is None else torch.cat([x, condition], 1)
    hidden = F.leaky_relu(F.linear(joined, parameters.hidden_weight, parameters.hidden_bias), slope)
    return F.linear(hidden, parameters.output_weight, parameters.output_bias)


def interpolate(real, fake, mix, radius=None):
    mixed = mix * real + (1 - mix) * fake
    return mixed if radius is None else radius * F.normalize(mixed, dim=1)


def plain_terms(
    parameters,
    real,
    fake,
    mix,
    *,
    real_condition=None,
    fake_condition=None,
    radius=None,
    slope=0.2,
):
    """Return the terms of `critic_step` with a graph of the parameters."""
    condition = None
    if real_condition is not None:
        fake_condition = real_condition if fake_condition is None else fake_condition
        condition = interpolate(real_condition, fake_condition, mix)
    leaf = interpolate(real, fake, mix, radius).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(score(parameters, leaf, condition, slope).sum(), leaf, create_graph=True)
    norms = gradient.norm(dim=1)
    sides = ((real, real_condition), (fake, fake_condition))
    return CriticTerms(torch.stack([score(parameters, *side, slope)[:, 0] for side in sides]), norms)


def plain_loss(parameters, real, fake, mix, *, penalty_weight, weight=1.0, **options):
    """Return the scalar loss of `critic_step` with a graph of the parameters."""
    terms = plain_terms(parameters, real, fake, mix, **options)
    return weight * (terms.fake - terms.real + penalty_weight * terms.penalty)


def plain_step(parameters, real, fake, mix, **options):
    """Return the loss and its gradients by autograd."""
    leaves = CriticParameters(*(tensor.detach().requires_grad_() for tensor in parameters))
    loss = plain_loss(leaves, real, fake, mix, **options)
    return loss.detach(), CriticParameters(*torch.autograd.grad(loss, leaves))
