"""Encodes a set of images block by block."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.data.images.folds import ImageView
from zsl_runner.models.joint_code import JointCodeModel
from zsl_runner.models.networks import finite
from zsl_runner.objectives.joint_code import categorical_entropy


@dataclass(frozen=True)
class Encoding:
    """What is known of the codes of n images.

    Attributes:
        means: (n, d) of the continuous variables.
        categories: (n, K) int64 the likeliest category of each discrete variable.
        aggregates: for each discrete variable (n_k,) the mean of q(c|x) over the images, float64.
        entropies: (K,) mean entropy of q(c|x), in nats.
        continuous_kl: (d,) mean divergences in nats.
        discrete_kl: (K,) mean divergences in nats.
        reconstruction: mean cross-entropy of images decoded from the modes of their codes, in nats; None if not asked
            for.
    """

    means: Tensor
    categories: Tensor
    aggregates: tuple[Tensor, ...]
    entropies: Tensor
    continuous_kl: Tensor
    discrete_kl: Tensor
    reconstruction: float | None

    def joint_categories(self, counts: tuple[int, ...]) -> Tensor:
        """Return (n,) the number of each image's combination of categories, of all discrete variables together."""
        joint = self.categories.new_zeros(len(self.categories))
        for place, count in enumerate(counts):
            joint = joint * count + self.categories[:, place]
        return joint


def encode(model: JointCodeModel, images: ImageView, rows: int, block: int, reconstruct: bool) -> Encoding:
    """Encode the first images of a view.

    Args:
        model: in evaluation mode.
        images: the view.
        rows: how many, at least 1.
        block: images at a time.
        reconstruct: whether they are decoded too.
    """
    means, categories = [], []
    sums: dict[str, Tensor] = {}

    def add(name: str, values: Tensor) -> None:
        total = values.double().sum(0)
        sums[name] = sums[name] + total if name in sums else total

    for positions in torch.split(torch.arange(rows, device=images.device), block):
        x = images.take(positions)
        posterior = model.posterior(x)
        means.append(posterior.mean)
        categories.append(_stacked([logits.argmax(1) for logits in posterior.logits], len(x), x.device))
        add("continuous_kl", posterior.continuous_kl())
        add("discrete_kl", posterior.discrete_kl())
        logs = [F.log_softmax(logits, 1) for logits in posterior.logits]
        for place, values in enumerate(logs):
            add(f"aggregate_{place}", values.exp())
            add(f"entropy_{place}", categorical_entropy(values))
        if reconstruct:
            add("reconstruction", model.reconstruction(x, model.decode(posterior.mode())))
    # A NaN among the logits is in the sums of their probabilities, so these vouch for the categories, too.
    mean = {name: finite(f"{name.replace('_', ' ')} of codes", total / rows) for name, total in sums.items()}
    places = range(len(model.categories))
    return Encoding(
        means=finite("means of codes", torch.cat(means)),
        categories=torch.cat(categories),
        aggregates=tuple(mean[f"aggregate_{place}"] for place in places),
        entropies=torch.stack([mean[f"entropy_{place}"] for place in places]) if places else mean["discrete_kl"],
        continuous_kl=mean["continuous_kl"],
        discrete_kl=mean["discrete_kl"],
        reconstruction=float(mean["reconstruction"]) if reconstruct else None,
    )


def _stacked(columns: list[Tensor], rows: int, device: torch.device) -> Tensor:
    return torch.stack(columns, 1) if columns else torch.empty((rows, 0), dtype=torch.int64, device=device)
