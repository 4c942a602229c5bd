"""Folds of zero-shot data for tests."""

import torch

from zsl_runner.data.zero_shot.folds import ZeroShotFolds
from zsl_runner.data.zero_shot.options import ZeroShotConf


def zero_shot_folds(records, kind=ZeroShotFolds, unlabelled=False, known_prior=False, **options):
    """Return what cuts the folds of records on the CPU; ``options`` are those of `ZeroShotConf`."""
    conf = ZeroShotConf(**options)
    return kind(records, conf, torch.device("cpu"), unlabelled=unlabelled, known_prior=known_prior)
