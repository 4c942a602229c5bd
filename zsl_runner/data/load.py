"""From a data set's configuration to its records, and from records to the folds a run works on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_runner.config.registry import resolve
from zsl_runner.config.schema import DatasetConf, TrainerConf
from zsl_runner.data.checksums import sha256_of
from zsl_runner.data.records import Provenance, Records, SourceFile, ZeroShotRecords
from zsl_runner.data.zero_shot_conf import ZeroShotConf

if TYPE_CHECKING:
    import torch

    from zsl_runner.data.stage import Stages


def load(conf: DatasetConf) -> Records:
    """Load a data set with the source its configuration names; what its figures cannot mean is among its warnings.

    Raises:
        DataError: a file is missing, damaged or inconsistent.
    """
    records: Records = resolve(conf.implementation)(conf)
    assert isinstance(records, Records), f"{conf.implementation} returned {type(records).__name__}"
    if doubts := records.doubts():
        warnings = (*records.provenance.warnings, *doubts)
        records = _with_provenance(records, replace(records.provenance, warnings=warnings))
    if isinstance(conf, ZeroShotConf) and conf.unseen_imbalance != 1:
        assert isinstance(records, ZeroShotRecords)
        # Part of the split's name: such figures stand beside no others.
        split = f"{records.provenance.split_version}, unseen rows thinned {conf.unseen_imbalance:g}:1"
        split += f" (seed {conf.unseen_imbalance_seed})"
        records = _with_provenance(records, replace(records.provenance, split_version=split))
    return records


def _with_provenance(records: Any, provenance: Provenance) -> Records:
    found: Records = replace(records, provenance=provenance)
    return found


def contents(conf: DatasetConf) -> tuple[SourceFile, ...]:
    """Return what the data are: their files with checksums, which loaded records name in their provenance.

    Whatever reuses, continues or compares runs asks for it, so nothing is loaded that need not be.

    Raises:
        DataError: a file is missing, damaged or inconsistent.
    """
    if conf.contents:
        found: tuple[SourceFile, ...] = resolve(conf.contents)(conf)
        return found
    required = [file.path for file in conf.required_files()]
    if required:
        return tuple(SourceFile(path, sha256_of(Path(path))) for path in required)
    return load(conf).provenance.files


def cut_folds(records: Records, conf: DatasetConf, trainer: TrainerConf, device: torch.device) -> Stages:
    """Return what cuts the folds of a run: the data set's own way, and what the training procedure may see."""
    folds: Stages = resolve(conf.folds)(records, conf, trainer, device)
    return folds
