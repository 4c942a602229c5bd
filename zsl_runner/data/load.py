"""From a data set's configuration to its records, and from records to the folds a run works on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from zsl_runner.config.registry import built
from zsl_runner.config.schema import DatasetConf, TrainerConf
from zsl_runner.config.vocabulary import View
from zsl_runner.data.records import Records, SourceFile
from zsl_runner.files.checksums import sha256_of

if TYPE_CHECKING:
    import torch

    from zsl_runner.data.stages import Stages


def load(conf: DatasetConf) -> Records:
    """Load a data set with the source its configuration names; what metrics on it cannot tell is among its warnings.

    Raises:
        DataError: a file is missing, damaged or inconsistent.
    """
    records = built(conf.implementation, conf)
    assert isinstance(records, Records), f"{conf.implementation} returned {type(records).__name__}"
    split, notes = conf.split_in_use(records)
    known = records.provenance
    known = replace(
        known,
        split_version=split,
        notes=(*known.notes, *notes),
        warnings=(*known.warnings, *conf.doubts_in_use(records)),
    )
    loaded: Records = replace(cast(Any, records), provenance=known)  # each kind of records is a dataclass
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
