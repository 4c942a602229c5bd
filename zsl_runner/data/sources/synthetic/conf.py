"""Options of invented features on a real split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from os.path import isfile
from pathlib import Path
from typing import ClassVar

from omegaconf import MISSING

from zsl_runner.config.fields import option
from zsl_runner.config.schema import RequiredFile
from zsl_runner.data.sources.published import PUBLISHED
from zsl_runner.data.zero_shot.options import ZeroShotConf
from zsl_runner.files.folders import expanded

LISTED_LABELS = "image_labels.txt"
MATLAB_LABELS = "res101.mat"


@dataclass
class SyntheticConf(ZeroShotConf):
    """Sparse non-negative features, invented from a seed, on the split and class vectors of an xlsa17 folder."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.synthetic.source:load"

    kind: str = option("synthetic", "the implementation; fixed by the file chosen in the group")
    root: str = option(MISSING, "folder of the splits file; relative to the working directory")
    splits_file: str = option("att_splits.mat", "file with `att` (A x K) and the split's row numbers, in `root`")
    labels_file: str | None = option(
        None,
        "file in `root` with the labels: text lines `path label`, or a .mat file with `labels`, both counting from 1; "
        "null takes image_labels.txt, else res101.mat",
    )
    width: int = option(2048, "features", low=1)
    density: float = option(0.4, "share of features above 0", low=0.0, high=1.0, above=True, below=True)
    signal: float = option(1.0, "strength of what rows of a class share, in units of the row noise", low=0.0)
    data_seed: int = option(0, "seed of the features; not the seed of the run", low=0)

    def splits_path(self) -> Path:
        """Return the path of the splits file."""
        return expanded(self.root) / self.splits_file

    def labels_path(self) -> Path:
        """Return the path of the file the labels come from; it need not exist."""
        folder = expanded(self.root)
        if self.labels_file is not None:
            return folder / self.labels_file
        # `os.path` raises no error where no one can look; the check tells of it.
        only_matlab = not isfile(folder / LISTED_LABELS) and isfile(folder / MATLAB_LABELS)
        return folder / (MATLAB_LABELS if only_matlab else LISTED_LABELS)

    def required_files(self) -> Iterable[RequiredFile]:
        """Yield the splits file and the file of the labels."""
        yield RequiredFile(str(self.splits_path()), PUBLISHED["awa2"].remedy())
        yield RequiredFile(
            str(self.labels_path()),
            f"A splits file says which rows belong together but not their classes. Give {LISTED_LABELS} (a line "
            f"`path label` for each row, labels from 1) or {MATLAB_LABELS}, or another file as dataset.labels_file.",
        )
