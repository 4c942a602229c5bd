"""From a data set's configuration to its records, and to the options its folds are cut with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zsl_runner.config.registry import resolve
from zsl_runner.config.schema import DatasetConf, TrainerConf
from zsl_runner.data.records import ZeroShotRecords
from zsl_runner.data.zero_shot_conf import ZeroShotConf

if TYPE_CHECKING:
    from zsl_runner.data.folds import FoldOptions


def load(conf: DatasetConf) -> ZeroShotRecords:
    """Load a data set with the source its configuration names.

    Raises:
        DataError: a file is missing, damaged or inconsistent.
    """
    records = resolve(conf.implementation)(conf)
    assert isinstance(records, ZeroShotRecords), f"{conf.implementation} returned {type(records).__name__}"
    if isinstance(conf, ZeroShotConf) and conf.unseen_imbalance != 1:
        # Part of the split's name: such figures stand beside no others.
        split = f"{records.provenance.split_version}, unseen rows thinned {conf.unseen_imbalance:g}:1"
        split += f" (seed {conf.unseen_imbalance_seed})"
        records = replace(records, provenance=replace(records.provenance, split_version=split))
    return records


def fold_options(conf: DatasetConf, trainer: TrainerConf) -> FoldOptions:
    """Return how the folds are cut: the data set's options, and what the training procedure may see."""
    from zsl_runner.data.folds import FoldOptions  # imports torch, which `zsl-data` does not need

    assert isinstance(conf, ZeroShotConf), f"{type(conf).__name__} has no seen and unseen classes"
    return FoldOptions(
        feature_scaling=conf.feature_scaling,
        radius=conf.radius,
        semantic_scaling=conf.semantic_scaling,
        holdout=conf.holdout,
        holdout_seed=conf.holdout_seed,
        unlabelled=trainer.sees_unlabelled(),
        known_prior=trainer.prior_source() == "known",
        unseen_imbalance=conf.unseen_imbalance,
        unseen_imbalance_seed=conf.unseen_imbalance_seed,
    )
