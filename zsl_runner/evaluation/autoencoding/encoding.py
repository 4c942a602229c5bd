"""Codes of images, and images made of codes, block by block in evaluation mode."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from zsl_runner.data.images.folds import LabelledImages
from zsl_runner.models.adversarial_autoencoder.model import AdversarialAutoencoder
from zsl_runner.models.networks import finite

DRAWN = 1000
"""Images that numbers are drawn for at a time, and most that are encoded or made at a time: codes do not depend on
how many are."""


@dataclass(frozen=True)
class Encoded:
    """Codes of n images.

    Attributes:
        z: (n, d).
        logits: (n, m) of the categories; None without a categorical code.
        labels: (n,) int64.
        errors: (n,) half the squared error of each image's reconstruction.
    """

    z: Tensor
    logits: Tensor | None
    labels: Tensor
    errors: Tensor

    @cached_property
    def y(self) -> Tensor | None:
        """The (n, m) probabilities of the categories."""
        return None if self.logits is None else self.logits.softmax(1)


def beside_z(model: AdversarialAutoencoder, labels: Tensor, y: Tensor | None) -> Tensor | None:
    """Return what the decoder sees beside z: the one-hot label, zeros where there is none, or y, or nothing."""
    return model.one_hot(labels)[:, :-1] if model.conf.labels == "decoder" else y


@torch.no_grad()
def encode(
    model: AdversarialAutoencoder, rows: LabelledImages, count: int | None, size: int, generator: torch.Generator
) -> Encoded:
    """Encode the first ``count`` images (all if None), ``size`` at a time, and decode them again.

    Args:
        model: in evaluation mode.
        rows: images with labels.
        count: how many.
        size: at a time.
        generator: draws the noise of a random posterior.
    """
    positions = torch.arange(min(len(rows), count or len(rows)), device=rows.labels.device)
    z, logits, errors = [], [], []
    for drawn in torch.split(positions, DRAWN):
        noise = model.posterior_noise(len(drawn), generator)
        for first in range(0, len(drawn), size):
            block = drawn[first : first + size]
            x = rows.images.take(block).flatten(1)
            codes = model.encode(x, None if noise is None else noise[first : first + size])
            decoded = model.decode(codes.z, beside_z(model, rows.labels[block], codes.y))
            z.append(codes.z)
            errors.append(0.5 * (decoded - x).square().sum(1))
            if codes.logits is not None:
                logits.append(codes.logits)
    return Encoded(
        finite("codes", torch.cat(z)),
        finite("logits of categories", torch.cat(logits)) if logits else None,
        rows.labels[positions],
        finite("reconstruction errors", torch.cat(errors)),
    )


@torch.no_grad()
def generated(
    model: AdversarialAutoencoder, count: int, size: int, generator: torch.Generator, kind: int | None = None
) -> Tensor:
    """Return (count, D) images decoded from draws of the priors.

    Args:
        model: in evaluation mode.
        count: images.
        size: at a time.
        generator: draws the codes.
        kind: the label, or the category, that the decoder sees beside z; None draws it uniformly.
    """
    kinds = model.classes if model.conf.labels == "decoder" else model.categories
    blocks = []
    for first in range(0, count, DRAWN):
        rows = min(DRAWN, count - first)
        z = model.prior.sample(rows, generator)
        beside = None
        if kinds:
            drawn = torch.randint(kinds, (rows,), generator=generator, device=z.device)
            drawn = drawn if kind is None else drawn.fill_(kind)
            beside = torch.nn.functional.one_hot(drawn, kinds).float()
        parts = (slice(start, start + size) for start in range(0, rows, size))
        blocks += [model.decode(z[part], None if beside is None else beside[part]) for part in parts]
    return finite("generated images", torch.cat(blocks))
