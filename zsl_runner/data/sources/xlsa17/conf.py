"""Options of a data set in the xlsa17 layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final

from omegaconf import MISSING

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import RequiredFile
from zsl_runner.data.sources.published import PUBLISHED, SENTENCES, with_rows
from zsl_runner.data.tasks.options import ZeroShotTasksConf
from zsl_runner.data.zero_shot.options import ZeroShotConf
from zsl_runner.files.folders import among_data, chosen_cache_folder, expanded, unknown_home

OWN_FILES: Final = (
    "`zsl-data import` writes these two files from your arrays of features, labels and class vectors (.npy, .npz, .pt, "
    ".h5, .csv or .mat); dataset.root=FOLDER says where they are. The guide: docs/guides/own_data.md."
)


@dataclass
class XLSA17Conf(ZeroShotConf):
    """One folder with a features file and a splits file; optionally sentence embeddings of the classes."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.xlsa17.source:load"
    kept_copy: ClassVar[str] = "zsl_runner.data.sources.xlsa17.cache:kept_copy"

    kind: str = option("xlsa17", "the implementation; fixed by the file chosen in the group")
    root: str = option(
        MISSING,
        "folder of the files, relative to the working directory; `zsl-data import` writes them from your arrays, see "
        "docs/guides/own_data.md",
    )
    features_file: str = option("res101.mat", "file with `features` (D x N) and `labels` (N x 1), in `root`")
    splits_file: str = option("att_splits.mat", "file with `att` (A x K) and the split's row numbers, in `root`")
    sentences_file: str = option("sent_splits.mat", "file with sentence embeddings as `att`, read for semantics=sent")
    validation_file: str | None = option(
        None,
        "text file in `root` that names the validation classes, one in each line, as xlsa17's valclasses1.txt to "
        "valclasses3.txt do; null takes what the splits file says",
        neutral=True,
    )
    semantics: str = option(
        "att",
        "class vectors: att (unit norm) or original_att (raw) of the splits file, sent = att of the sentences file",
        choices=("att", "original_att", "sent"),
    )
    require_unit_norm: bool = option(True, "for semantics=att: refuse class vectors that are not of unit L2 norm")
    feature_kind: str | None = option(
        None, "the features in words, for results; null names files known by checksum and calls others unknown"
    )
    split_version: str | None = option(
        None, "version of the split, for results; null names files known by checksum and calls others unknown"
    )
    expected_classes: list[int] | None = option(None, "[seen, unseen] numbers of classes; null does not check", low=1)
    expected_rows: list[int] | None = option(
        None, "[trainval, test_seen, test_unseen] numbers of rows; null does not check", low=1
    )
    sha256_features: str | None = option(None, "checksum the features file must have; null does not check")
    sha256_splits: str | None = option(None, "checksum the splits file must have; null does not check")
    sha256_sentences: str | None = option(None, "checksum the sentences file must have; null does not check")
    cache: str | None = option(
        "auto",
        "folder for a fast copy of the features file; auto = $ZSL_CACHE or the user's cache folder; null keeps none",
    )

    def file(self, name: str) -> Path:
        """Return the path of a file in `root`."""
        return expanded(self.root) / name

    def cache_folder(self) -> Path | None:
        """Return the folder of the cache, or None if none is kept."""
        return chosen_cache_folder(self.cache)

    def required_files(self) -> Iterable[RequiredFile]:
        """Yield the features file, the splits file and, if they are read, those of sentences and validation classes."""
        published = with_rows(self.expected_rows)
        remedy = published.remedy() if published else OWN_FILES
        yield RequiredFile(str(self.file(self.features_file)), remedy, self.sha256_features)
        yield RequiredFile(str(self.file(self.splits_file)), remedy, self.sha256_splits)
        if self.semantics == "sent":
            remedy = (
                "It is a splits file whose `att` holds sentence embeddings of the classes; put it there, or use "
                "dataset.semantics=att."
            )
            if published is PUBLISHED["cub"]:
                remedy += f" {SENTENCES} has CUB's."
            yield RequiredFile(str(self.file(self.sentences_file)), remedy, self.sha256_sentences)
        if self.validation_file is not None:
            yield RequiredFile(
                str(self.file(self.validation_file)),
                "It names validation classes, one in each line. Write it, or use dataset.validation_file=null.",
            )

    def moved_to(self, folder: str) -> XLSA17Conf:
        """Return the configuration of other files with the same names, all of whose rows are for evaluation.

        What says how rows and classes of these files are divided is left out: it was meant for those of this folder.
        """
        return replace(
            self,
            root=folder,
            feature_kind=None,
            split_version=None,
            expected_classes=None,
            expected_rows=None,
            sha256_features=None,
            sha256_splits=None,
            sha256_sentences=None,
            cache=None,
            validation_classes=None,
            validation_file=None,
            unseen_imbalance=1.0,
            shots=0,
        )

    def expectations(self) -> Mapping[str, object]:
        """Return the numbers of classes and rows a published data set must have."""
        return {"classes": self.expected_classes, "rows": self.expected_rows}

    def problems(self) -> Iterable[Problem]:
        """Yield what is wrong with the combination of options."""
        yield from super().problems()
        yield from _wrong_length("expected_classes", self.expected_classes, "[seen, unseen]")
        yield from _wrong_length("expected_rows", self.expected_rows, "[trainval, test_seen, test_unseen]")
        if self.sha256_sentences is not None and self.semantics != "sent":
            yield Problem("sha256_sentences", f"has no effect with semantics={self.semantics}; set it to null")
        if self.validation_file is not None and self.validation_classes is not None:
            yield Problem("validation_classes", f"{self.validation_file} names them; set one of the two to null")
        if wrong := unknown_home(self.cache):
            yield Problem("cache", wrong)
        if wrong := among_data(self.cache_folder(), self.file("")):
            yield Problem("cache", wrong)

    def idle_options(self) -> Iterable[Idle]:
        """Yield what concerns other class vectors than those that are read, or draws classes that a file names."""
        yield from super().idle_options()
        if self.semantics != "sent":
            yield from idle(f"semantics={self.semantics}", "sentences_file")
        if self.semantics != "att":
            yield from idle(f"semantics={self.semantics}", "require_unit_norm")
        if self.validation_file is not None:
            yield from idle(f"validation_file={self.validation_file}", "validation_seed")


@dataclass
class XLSA17TasksConf(ZeroShotTasksConf, XLSA17Conf):
    """The same folder, its classes in tasks."""

    kind: str = option("xlsa17_tasks", "the implementation; fixed by the file chosen in the group")

    def problems(self) -> Iterable[Problem]:
        """Yield tasks that the classes of a published data set do not fit; of others the files tell."""
        yield from super().problems()
        if self.expected_classes is not None and len(self.expected_classes) == 2:
            classes = sum(self.expected_classes)
            yield from self.problems_of_tasks(
                classes, classes if self.task_setting == "static" else self.expected_classes[0]
            )

    def idle_options(self) -> Iterable[Idle]:
        """Yield a file of validation classes, likewise, where rows of every class are held out instead."""
        yield from super().idle_options()
        if self.task_setting == "static":
            yield from idle("task_setting=static, where rows of each class are held out", "validation_file")


def _wrong_length(key: str, values: Sequence[int] | None, entries: str) -> Iterable[Problem]:
    wanted = entries.count(",") + 1
    if values is not None and len(values) != wanted:
        yield Problem(key, f"expected {wanted} numbers {entries}, found {list(values)}")
