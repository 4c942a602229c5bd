"""Pixel-to-prototype contrast (Du, Fu, Liu and Wang, CVPR 2022) on top of SEAM (Wang et al., CVPR 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zsl_runner.data.tagged.folds import TaggedTrainingSet
from zsl_runner.errors import ConfigError
from zsl_runner.graphs.uncompiled import uncompiled
from zsl_runner.objectives.class_maps import resized
from zsl_runner.objectives.equivariance import equivariance_loss, tag_loss
from zsl_runner.objectives.prototype_contrast import cross_map, cross_prototype, intra_view
from zsl_runner.objectives.prototype_mining import Mining
from zsl_runner.trainers.class_mapping import ClassMappingTrainer, Terms
from zsl_runner.trainers.class_mapping_conf import PhaseConf
from zsl_runner.trainers.prototype_contrast.conf import PrototypeContrastConf
from zsl_runner.trainers.prototype_contrast.views import (
    View,
    mean_least_activation,
    mean_tag_loss,
    refined_difference,
)
from zsl_runner.training.base import TrainingContext


class PrototypeContrast(ClassMappingTrainer):
    """Phases ``classify`` and ``contrast``; it sees tags and no mask.

    Args:
        conf: the procedure's options.
        context: what it works on; the model must be a `ClassMapper`.

    Raises:
        ConfigError: the second view is smaller than a cell of the model's maps, or a batch has too few pixels for a
            prototype.
    """

    conf: PrototypeContrastConf
    context: TrainingContext[TaggedTrainingSet]

    def __init__(self, conf: PrototypeContrastConf, context: TrainingContext[TaggedTrainingSet]) -> None:
        super().__init__(conf, context)
        self.mining = Mining(
            conf.mining.dropped,
            conf.mining.last,
            conf.mining.random_share,
            (conf.mining.band[0], conf.mining.band[1]),
            conf.mining.positive_ranked,
            conf.mining.mean_over_skipped,
        )
        self._check_sizes()
        self._tag_terms = context.runtime.compile(self.tag_terms)
        self._contrast_terms = context.runtime.compile(self.contrast_terms)

    def plan(self) -> Sequence[tuple[str, PhaseConf, Terms]]:
        """Return the phases ``classify``, of the image alone, and ``contrast``, of two views."""
        return [
            ("classify", self.conf.classify, self._tag_terms),
            ("contrast", self.conf.contrast, self._contrast_terms),
        ]

    def _check_sizes(self) -> None:
        """Refuse sizes of images that only loaded data show to be unfit for the second phase."""
        data, conf = self.context.data, self.conf
        shape = data.shape
        sides = [self.model.map_side(conf.view_side(side)) for side in (shape.height, shape.width)]
        if conf.contrast.steps and min(sides) < 1:
            raise ConfigError(
                f"trainer.view_scale={conf.view_scale:g}: the second view of images of {shape.width} x {shape.height} "
                "pixels is smaller than the network's stride; use a larger one"
            )
        cells = sides[0] * sides[1] if conf.grid is None else conf.grid**2
        most, wanted = min(conf.batch_size, len(data)) * cells, conf.prototype_pixels(cells)
        if conf.contrast.steps and conf.weights.make_prototypes and wanted > most:
            raise ConfigError(
                f"trainer.prototypes.pixels: expected at most {most:,}, all pixels of a batch on a grid of {cells} "
                f"cells, found {wanted:,}"
            )

    def warnings(self) -> list[str]:
        """Return that batch norm never measured anything, and that a view has too few classes for a negative."""
        return [*super().warnings(), *self._without_negative()]

    def _without_negative(self) -> list[str]:
        negatives, dropped = self.context.data.shape.classes - 1, self.mining.dropped
        ranked = negatives + self.mining.positive_ranked
        if not (self.conf.contrast.steps and self.conf.weights.intra) or ranked > dropped:
            return []
        return [
            f"trainer.weights.intra has no effect: of {negatives + 1} classes with the background, "
            f"trainer.mining.dropped={dropped} leaves no prototype but a pixel's own. Use a smaller one, or "
            "trainer.weights.intra=0."
        ]

    def tag_terms(self, x: Tensor, tags: Tensor) -> dict[str, Tensor]:
        """Return ``tags``, the loss of the image alone."""
        return {"tags": tag_loss(self.model.maps(x).logits, tags)}

    def contrast_terms(self, x: Tensor, tags: Tensor) -> dict[str, Tensor]:
        """Return all terms of two views, already weighted; those of weight 0 are left out.

        Args:
            x: (B, C, H, W) images, the first view.
            tags: (B, K - 1).
        """
        weights = self.conf.weights
        small = resized(x, (self.conf.view_side(x.shape[-2]), self.conf.view_side(x.shape[-1])))
        maps, small_maps = self.model.maps(x), self.model.maps(small)
        side = self.conf.grid
        grid = (small_maps.logits.shape[-2], small_maps.logits.shape[-1]) if side is None else (side, side)
        views = View.of(maps, grid, tags), View.of(small_maps, grid, tags)
        terms = {"tags": mean_tag_loss(*views)}
        if weights.least_activation:
            terms["least_activation"] = weights.least_activation * mean_least_activation(*views)
        if weights.compare_maps:
            plain = views[0].plain_scores(), views[1].plain_scores()
            if weights.equivariance:
                terms["equivariance"] = weights.equivariance * equivariance_loss(*plain)
            if weights.refinement:
                terms["refinement"] = weights.refinement * refined_difference(*views, plain)
        if weights.make_prototypes:
            terms |= self._prototype_terms(*views)
        return terms

    def _prototype_terms(self, one: View, other: View) -> dict[str, Tensor]:
        weights, conf = self.conf.weights, self.conf.prototypes
        cells = one.grid[0] * one.grid[1]
        count, pixels = self.conf.prototype_pixels(cells), len(one.tags) * cells
        pair = one.contrasted(conf, count), other.contrasted(conf, count)
        terms = {}
        if weights.cross_prototype:
            terms["cross_prototype"] = weights.cross_prototype * cross_prototype(*pair, conf.temperature)
        if weights.cross_map:
            terms["cross_map"] = weights.cross_map * cross_map(*pair, conf.temperature)
        if weights.intra:
            draws = self._uniform(pixels), self._uniform(pixels)
            terms["intra"] = weights.intra * intra_view(*pair, conf.temperature, self.mining, draws)
        return terms

    @uncompiled
    def _uniform(self, count: int) -> Tensor:
        generator = self.context.streams["hard_pixels"]
        return torch.rand(count, generator=generator, device=generator.device)
