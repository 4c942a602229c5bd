"""Class maps learned from masks, by the network and the schedule with which others learn them from tags."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from zsl_runner.data.pairs.segmentation.records import VOID
from zsl_runner.data.tagged.folds import MaskedTrainingSet
from zsl_runner.objectives.class_maps import EPS, resized
from zsl_runner.objectives.equivariance import tag_loss
from zsl_runner.objectives.pixel_supervision import pixel_loss, with_background_logit
from zsl_runner.trainers.class_mapping import ClassMappingTrainer, Terms
from zsl_runner.trainers.class_mapping_conf import PhaseConf
from zsl_runner.trainers.mask_supervision.conf import MaskSupervisionConf
from zsl_runner.training.base import TrainingContext

SEEN = (
    "Training saw the masks of its images: what is measured is a bound for results from tags, and none of them; on "
    "test rows it is called oracle/*."
)


class MaskSupervision(ClassMappingTrainer):
    """Phases ``first`` and ``second``; the only trainer of class maps that sees masks.

    Args:
        conf: the procedure's options.
        context: what it works on; the model must be a `ClassMapper`.
    """

    conf: MaskSupervisionConf
    context: TrainingContext[MaskedTrainingSet]

    def __init__(self, conf: MaskSupervisionConf, context: TrainingContext[MaskedTrainingSet]) -> None:
        super().__init__(conf, context)
        self._terms = context.runtime.compile(self.terms)

    def plan(self) -> Sequence[tuple[str, PhaseConf, Terms]]:
        """Return two phases of one loss."""
        return [("first", self.conf.first, self._terms), ("second", self.conf.second, self._terms)]

    def terms(self, x: Tensor, tags: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Return ``tags`` and the losses of the pixels, ``plain`` and ``refined``, on maps laid over the images.

        Args:
            x: (B, C, H, W) images.
            tags: (B, K - 1).
            masks: (B, H, W) uint8.
        """
        maps = self.model.maps(x)
        size = (x.shape[-2], x.shape[-1])
        labels, valid = masks.long(), masks != VOID
        plain = with_background_logit(maps.logits[:, 1:], self.conf.background_logit)
        refined = resized(maps.refined(tags), size, aligned=False)
        return {
            "tags": tag_loss(maps.logits, tags),
            "plain": pixel_loss(resized(plain, size, aligned=False), labels, valid),
            "refined": pixel_loss((refined + EPS).log(), labels, valid),
        }

    def warnings(self) -> list[str]:
        """Return that batch norm never measured anything, and that training saw masks."""
        return [*super().warnings(), SEEN]
