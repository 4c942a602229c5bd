"""From a data set's configuration to its records, and from records to the folds a run works on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_runner.config.registry import built
from zsl_runner.config.schema import DatasetConf, TrainerConf
from zsl_runner.config.vocabulary import View
from zsl_runner.data.records import Records, SourceFile
from zsl_runner.data.tasks.options import STATIC_TEST_SEED, STATIC_TEST_SHARE, ZeroShotTasksConf
from zsl_runner.data.zero_shot.draws import thinned
from zsl_runner.data.zero_shot.options import ZeroShotConf
from zsl_runner.data.zero_shot.records import ZeroShotRecords
from zsl_runner.files.checksums import sha256_of

if TYPE_CHECKING:
    import torch

    from zsl_runner.data.stages import Stages


def load(conf: DatasetConf) -> Records:
    """Load a data set with the source its configuration names; what metrics on it cannot tell is among its warnings.

    Raises:
        DataError: a file is missing, damaged or inconsistent.
    """
    records: Any = built(conf.implementation, conf)
    assert isinstance(records, Records), f"{conf.implementation} returned {type(records).__name__}"
    known = records.provenance
    split, notes = known.split_version, known.notes
    if isinstance(conf, ZeroShotConf) and isinstance(records, ZeroShotRecords) and conf.unseen_imbalance != 1:
        # Part of the split's name: such metrics stand beside no others.
        split += f", unseen rows thinned {conf.unseen_imbalance:g}:1 (seed {conf.unseen_imbalance_seed})"
        whole = records.test_unseen
        kept = thinned(records.labels, whole, conf.unseen_imbalance, conf.unseen_imbalance_seed)
        notes = (
            *notes,
            f"runs use {len(kept):,} of the {len(whole):,} test_unseen rows; sizes and other notes are of all of them",
        )
    if isinstance(conf, ZeroShotTasksConf) and conf.task_setting == "static":
        split = f"own ({STATIC_TEST_SHARE:g} of the rows of each class for testing, seed {STATIC_TEST_SEED})"
        notes = (
            *notes,
            "runs divide the rows of each class anew, and every class is trained on in its task; sizes of trainval and "
            f"test rows, and which classes are unseen, are told of the split {known.split_version}, which is not used",
        )
    known = replace(known, split_version=split, notes=notes, warnings=(*known.warnings, *records.doubts()))
    loaded: Records = replace(records, provenance=known)
    return loaded


def contents(conf: DatasetConf) -> tuple[SourceFile, ...]:
    """Return what the data are: their files with checksums, which loaded records name in their provenance.

    Whatever reuses, continues or compares runs asks for it, so nothing is loaded that need not be.

    Raises:
        DataError: a file is missing, damaged or inconsistent.
    """
    if conf.contents:
        found: tuple[SourceFile, ...] = built(conf.contents, conf)
        return found
    required = [file.path for file in conf.required_files()]
    if required:
        return tuple(SourceFile(path, sha256_of(Path(path))) for path in required)
    return load(conf).provenance.files


def cut_folds(
    records: Records, conf: DatasetConf, trainer: TrainerConf, device: torch.device, view: View = View.OWN
) -> Stages:
    """Return what cuts the folds of a run.

    Args:
        records: the data set.
        conf: its configuration, which names its own way of cutting folds.
        trainer: says what the training procedure may see.
        device: where the tensors live.
        view: what the evaluator reads.
    """
    from zsl_runner.data.views import ViewedStages  # torch is imported only when something runs

    folds: Stages = built(conf.folds, records, conf, trainer, device)
    return ViewedStages(folds, view)
