"""A model that reads class maps off images that are their own masks, such images, and how they are measured."""

import dataclasses

import torch
from torch.nn import functional as F

from tests.tagged import CANVASES, tagged_fold
from zsl_runner.data.sources.digit_canvas.source import load_tagged
from zsl_runner.evaluation.class_maps.conf import ClassMapsEvaluatorConf
from zsl_runner.models.class_mapping import ClassMapper, PixelMaps

CONF = ClassMapsEvaluatorConf(batch_size=3, thresholds=[0.1, 0.9], threshold_count=5)


class Reader(ClassMapper):
    """Reads maps off images whose grey values are labels, 0 to K - 1 in steps of 1 / 255; some may be wrong.

    Args:
        wrong: maps true classes to those that are read in their place.
        silent: whether the means of the maps deny every tag.
    """

    def __init__(self, wrong=None, silent=False):
        super().__init__()
        self.wrong, self.silent = wrong or {}, silent

    def map_side(self, side):
        return side

    def maps(self, x):
        labels = (x[:, 0] * 255).round().long()
        for true, read in self.wrong.items():
            labels = torch.where(labels == true, read, labels)
        hot = F.one_hot(labels, 11).permute(0, 3, 1, 2).float()
        logits = hot - (2.0 if self.silent else 0.0)
        pixels = torch.nn.functional.one_hot(labels, 11).permute(0, 3, 1, 2).float()
        return PixelMaps(logits, pixels, pixels)


def readable(**changes):
    """Return a validation fold whose images are their own masks, and the masks."""
    records = load_tagged(CANVASES)
    masks = records.masks.copy()
    records = dataclasses.replace(records, images=masks[:, None], **changes)
    return tagged_fold(records), masks[records.validation]
