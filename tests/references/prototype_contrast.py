"""A step of pixel-to-prototype contrast as published code writes it: a loop over classes, the reference for ours."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.models.class_mapping import PixelMaps
from zsl_runner.models.class_maps.model import ClassMaps
from zsl_runner.models.networks import freeze_statistics

EPS = 1e-5


class PlainContrast:
    """The second phase with all terms in the corrected forms, torch's default Adam, a constant learning rate.

    Of equally confident pixels the first ones make a prototype.

    Args:
        network: where the weights come from; they are copied.
        lr: learning rate.
        terms: names of the contrasts, of ``cross_prototype``, ``cross_map`` and ``intra``.
    """

    def __init__(self, network: ClassMaps, lr: float, terms: tuple[str, ...]) -> None:
        self.network, self.terms = copy.deepcopy(network), terms
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=lr)

    def step(self, x: Tensor, tags: Tensor, draws: tuple[Tensor, Tensor]) -> Tensor:
        """Take a step and return its loss; ``draws`` are uniform numbers for the pixels of each view."""
        self.network.train()
        freeze_statistics(self.network)
        loss = self.loss(x, tags, draws)
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.optimiser.step()
        return loss.detach()

    def loss(self, x: Tensor, tags: Tensor, draws: tuple[Tensor, Tensor]) -> Tensor:
        """Return the sum of all terms."""
        small = F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=True)
        views = [self.network.maps(x), self.network.maps(small)]
        grid = views[1].logits.shape[-2:]
        gate = tags[:, :, None, None]
        refined = [self.refined(view, gate) for view in views]
        loss = torch.zeros(())
        for view, spread in zip(views, refined, strict=True):
            loss = loss + 0.5 * F.multilabel_soft_margin_loss(view.logits[:, 1:].mean((2, 3)), tags)
            strongest = (spread[:, 1:] * gate).amax(1).flatten(1)
            loss = loss + 0.5 * F.relu(strongest.sort(1).values[:, : strongest.shape[1] // 4]).mean()
        plain = [self.laid(self.scaled(view.logits[:, 1:]), grid) * gate for view in views]
        loss = loss + (plain[0] - plain[1]).abs().mean()
        everything = torch.cat([torch.ones_like(gate[:, :1]), gate], 1)
        for number in (0, 1):
            mine, other = self.laid(self.scaled(refined[number]), grid) * everything, plain[1 - number].detach()
            kept = torch.where(other == other.amax(1, keepdim=True), other, 0)
            target = torch.cat([1 - other.amax(1, keepdim=True), kept], 1)
            difference = (mine - target).abs().flatten(1)
            loss = loss + difference.sort(1, descending=True).values[:, : difference.shape[1] // 5].mean()
        return loss + 0.1 * self.contrasts(views, refined, gate, draws)

    def refined(self, view: PixelMaps, gate: Tensor) -> Tensor:
        """Return the maps that the correlation module spreads."""
        positive = F.relu(view.logits[:, 1:].detach() * gate)
        clean = F.relu(positive - EPS) / (positive.amax((2, 3), keepdim=True) + EPS)
        background = 1 - clean.amax(1, keepdim=True)
        clean = torch.where(clean == clean.amax(1, keepdim=True), clean, 0)
        maps = torch.cat([background, clean], 1)
        unit = F.normalize(view.correlated.flatten(2), dim=1, eps=EPS)
        weight = F.relu(unit.transpose(1, 2) @ unit) ** view.power
        weight = weight / (weight.sum(1, keepdim=True) + EPS)
        return (maps.flatten(2) @ weight).reshape(maps.shape)

    def scaled(self, maps: Tensor) -> Tensor:
        """Return maps between 0 and 1 in every image and class."""
        positive = F.relu(maps)
        low, high = positive.amin((2, 3), keepdim=True), positive.amax((2, 3), keepdim=True)
        return F.relu(positive - low - EPS) / (high - low + EPS)

    def laid(self, maps: Tensor, grid: torch.Size) -> Tensor:
        """Return maps on another grid."""
        return F.interpolate(maps, tuple(grid), mode="bilinear", align_corners=True)

    def contrasts(
        self, views: list[PixelMaps], refined: list[Tensor], gate: Tensor, draws: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Return the sum of the contrasts, before their weight."""
        grid = views[1].logits.shape[-2:]
        pixels, labels, prototypes = [], [], []
        for view, spread in zip(views, refined, strict=True):
            scores = self.laid(self.scaled(spread[:, 1:]), grid).detach() * gate
            masks = torch.cat([torch.full_like(scores[:, :1], 0.2), scores], 1).argmax(1).flatten()
            weights = torch.cat([1 - scores.amax(1, keepdim=True), scores], 1)
            features = self.laid(view.projected, grid).permute(0, 2, 3, 1).reshape(len(masks), -1)
            vectors = {}
            for label in range(weights.shape[1]):
                top = weights[:, label].flatten().sort(descending=True, stable=True)
                values, places = (part[: math.prod(grid) // 8] for part in top)
                if values.sum() > 0:
                    mean = (values[:, None] * features.detach()[places]).sum(0) / values.sum()
                    vectors[label] = F.normalize(mean, dim=0)
            pixels.append(F.normalize(features, dim=1))
            labels.append(masks)
            prototypes.append(vectors)
        loss = torch.zeros(())
        for one, other in ((0, 1), (1, 0)):
            if "cross_prototype" in self.terms:
                loss = loss + 0.5 * self.mean_nce(pixels[one], labels[one], prototypes[other])
            if "cross_map" in self.terms:
                loss = loss + 0.5 * self.mean_nce(pixels[one], labels[other], prototypes[one])
            if "intra" in self.terms:
                loss = loss + 0.5 * self.mined(pixels[one], labels[one], prototypes[one], draws[one])
        return loss

    def mean_nce(self, pixels: Tensor, labels: Tensor, prototypes: dict[int, Tensor]) -> Tensor:
        """Return the mean cross entropy of the pixels whose class has a prototype."""
        names = torch.tensor(list(prototypes), device=labels.device)
        known = torch.isin(labels, names)
        logits = pixels[known] @ torch.stack(list(prototypes.values())).T / 0.1
        return F.cross_entropy(logits, torch.searchsorted(names, labels[known]))

    def mined(self, pixels: Tensor, labels: Tensor, prototypes: dict[int, Tensor], draws: Tensor) -> Tensor:
        """Return the mean over classes, of hard pixels against semi-hard prototypes."""
        means = []
        for label, own in prototypes.items():
            members = pixels[labels == label]
            count = len(members)
            if not count:
                continue
            positive = members @ own
            order, drawn = positive.detach().argsort(), draws[labels == label].argsort()[: math.ceil(0.5 * count)]
            first, last = math.floor(0.1 * count + 1e-9), math.ceil(0.6 * count - 1e-9)
            chosen = torch.tensor(sorted({*order[first:last].tolist(), *drawn.tolist()}), device=pixels.device)
            others = torch.stack([vector for name, vector in prototypes.items() if name != label])
            negatives = (members[chosen] @ others.T).sort(1, descending=True).values[:, 1:6]
            logits = torch.cat([positive[chosen, None], negatives], 1) / 0.1
            means.append(F.cross_entropy(logits, torch.zeros_like(chosen)))
        return torch.stack(means).mean()
