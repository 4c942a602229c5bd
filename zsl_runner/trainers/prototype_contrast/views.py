"""Two views of a batch on one grid, and the loss terms between them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.models.class_mapping import PixelMaps
from zsl_runner.objectives.class_maps import confidences, pseudo_masks, resized, with_background
from zsl_runner.objectives.equivariance import cross_refinement_loss, least_activation, tag_loss
from zsl_runner.objectives.prototype_contrast import ContrastView
from zsl_runner.objectives.prototypes import pixel_weights, prototypes
from zsl_runner.trainers.prototype_contrast.conf import PrototypesConf


@dataclass(frozen=True)
class View:
    """One view of a batch: what the model says of it, and its maps on the grid of the comparison.

    Attributes:
        maps: on the view's own grid.
        refined: (B, K, h, w) refined maps on the same.
        grid: height and width of the comparison.
        tags: (B, K - 1).
    """

    maps: PixelMaps
    refined: Tensor
    grid: tuple[int, int]
    tags: Tensor

    @classmethod
    def of(cls, maps: PixelMaps, grid: tuple[int, int], tags: Tensor) -> View:
        """Return the view of a model's maps."""
        return cls(maps, maps.refined(tags), grid, tags)

    def plain_scores(self) -> Tensor:
        """Return (B, K - 1, *grid) confidences of the plain maps, zero for classes without tag."""
        return resized(confidences(self.maps.logits[:, 1:]), self.grid) * self.tags[:, :, None, None]

    def refined_scores(self) -> Tensor:
        """Return (B, K, *grid) confidences of the refined maps, zero for classes without tag."""
        scores = resized(confidences(self.refined), self.grid)
        return scores * F.pad(self.tags, (1, 0), value=1.0)[:, :, None, None]

    def contrasted(self, conf: PrototypesConf, count: int) -> ContrastView:
        """Return projected pixels, pseudo masks and prototypes; only the pixels have a gradient."""
        with torch.no_grad():
            scores = resized(confidences(self.refined[:, 1:], clamped=conf.clamped), self.grid)
            weights = pixel_weights(scores, self.tags, conf.background, conf.threshold, conf.absent_masked)
            labels = pseudo_masks(scores, self.tags, conf.threshold)
        features = resized(self.maps.projected, self.grid)
        return ContrastView(features, labels, prototypes(features, weights, count, conf.ties))


def mean_tag_loss(one: View, other: View) -> Tensor:
    """Return the mean of both views' losses of the tags."""
    return 0.5 * (tag_loss(one.maps.logits, one.tags) + tag_loss(other.maps.logits, other.tags))


def mean_least_activation(one: View, other: View) -> Tensor:
    """Return the mean of both views' least activations of the refined maps."""
    return 0.5 * (least_activation(one.refined, one.tags) + least_activation(other.refined, other.tags))


def refined_difference(one: View, other: View, plain: tuple[Tensor, Tensor]) -> Tensor:
    """Return the differences of each view's refined maps from the other's plain ones, which are given as scores."""
    return cross_refinement_loss(one.refined_scores(), with_background(plain[1])) + cross_refinement_loss(
        other.refined_scores(), with_background(plain[0])
    )
