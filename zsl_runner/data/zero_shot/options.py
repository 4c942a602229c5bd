"""Options every zero-shot data set has: how features and class vectors are scaled and rows are divided."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf, TrainerConf
from zsl_runner.config.vocabulary import Provision
from zsl_runner.errors import ConfigError

if TYPE_CHECKING:
    from zsl_runner.data.records import Rows
    from zsl_runner.data.zero_shot.records import ZeroShotRecords


@dataclass
class ZeroShotConf(DatasetConf):
    """Base of the data sets with seen and unseen classes; the source loads `ZeroShotRecords`."""

    folds: ClassVar[str] = "zsl_runner.data.zero_shot.folds:zero_shot_folds"
    provides: ClassVar[frozenset[str]] = frozenset(
        {Provision.FEATURES, Provision.CLASS_VECTORS, Provision.ZERO_SHOT, Provision.UNLABELLED}
    )

    feature_scaling: str = option(
        "none",
        "none; minmax to [0, 1]; standard to mean 0, deviation 1; l2 to norm `radius`; center_l2; center_l2_standard: "
        "one after the other; fitted on training rows only",
        choices=("none", "minmax", "standard", "l2", "center_l2", "center_l2_standard"),
    )
    radius: float | None = option(
        None,
        "norm of a feature row after an l2 step of feature_scaling; null: sqrt(D), entries of order 1",
        low=0.0,
        above=True,
    )
    semantic_scaling: str = option(
        "none",
        "class vectors: none; l2 = unit norm; sqrt = norm sqrt(A); standard over the seen classes, entry by entry; "
        "center = mean 0 over the seen classes, one factor for all entries",
        choices=("none", "l2", "sqrt", "standard", "center"),
    )
    holdout: float = option(
        0.2, "share of each training class held out in the tune stage", low=0.0, high=1.0, above=True, below=True
    )
    holdout_seed: int = option(0, "seed of the rows held out; the same for all runs of a study", low=0)
    validation_classes: int | None = option(
        None,
        "number of validation classes drawn from the seen ones; null takes the data set's own, or a fifth",
        low=1,
    )
    validation_seed: int = option(
        0, "seed of the validation class draw; unused where the data set names its own", low=0
    )

    unseen_imbalance: float = option(
        1.0,
        "thin the rows of unseen classes (of validation classes in the tune stage) until class sizes fall "
        "geometrically by this ratio, to study class priors; 1 keeps all rows",
        low=1.0,
    )
    unseen_imbalance_seed: int = option(
        0, "seed of the thinning of unseen classes; the same for all runs of a study", low=0
    )
    shots: int = option(
        0,
        "few-shot setting: labelled rows of each unseen class (of each validation class in the tune stage) that "
        "training sees and that are left out of the evaluation; 0 is zero-shot learning",
        low=0,
        neutral=True,
    )
    shots_seed: int = option(
        0,
        "seed of the draw of labelled rows of unseen classes; vary it with the run's seed in a study",
        low=0,
        neutral=True,
    )

    def setting(self, model: ModelConf, trainer: TrainerConf) -> dict[str, str]:
        """Return whether training saw rows of unseen classes, and where the frequencies of these came from."""
        kind, prior = "transductive" if trainer.sees_unlabelled() else "inductive", trainer.prior_source()
        if not self.shots:
            return {"kind": kind, "class_prior": prior}
        rows = f"{self.shots} labelled row{'s' if self.shots > 1 else ''} of each unseen class"
        name = "transductive few-shot" if trainer.sees_unlabelled() else "few-shot"
        return {"kind": f"{name}, {rows}", "shots_seed": str(self.shots_seed), "class_prior": prior}

    def scaling(self, records: Any) -> dict[str, Any]:
        """Return the scaling of features, the norm that an l2 step gives them, and the scaling of class vectors."""
        found: dict[str, Any] = {"feature_scaling": self.feature_scaling}
        if self.feature_scaling.endswith("l2"):
            found["radius"] = math.sqrt(records.features.shape[1]) if self.radius is None else self.radius
        return found | {"semantic_scaling": self.semantic_scaling}

    def moved_to(self, folder: str) -> ZeroShotConf:
        """Return the configuration of other files in the same layout, of which no checksums or sizes are known.

        Raises:
            ConfigError: the data are not read from files in a folder.
        """
        raise ConfigError(
            f"data set {self.name} cannot be read from another folder; data sets in the layout of xlsa17 can"
        )

    def of_unseen(self, records: ZeroShotRecords, rows: Rows) -> tuple[Rows, Rows]:
        """Return of ``rows``, which are of unseen classes, those to train on and those to evaluate on.

        Raises:
            OptionError: a class has too few rows for `shots`.
        """
        from zsl_runner.data.zero_shot.draws import drawn_of_each, thinned

        if self.unseen_imbalance != 1:
            rows = thinned(records.labels, rows, self.unseen_imbalance, self.unseen_imbalance_seed)
        if not self.shots:
            return rows[:0], rows
        return drawn_of_each(records.labels, rows, self.shots, self.shots_seed, records.class_names)

    def split_in_use(self, records: Any) -> tuple[str, list[str]]:
        """Return that unseen rows are left out: part of the split's name, for such metrics stand beside no others.

        Of labelled rows of unseen classes the setting tells.

        Raises:
            OptionError: see `of_unseen`; a run, which begins with other classes, would else find out at its end.
        """
        from zsl_runner.data.zero_shot.records import ZeroShotRecords

        split, notes = super().split_in_use(records)
        if not isinstance(records, ZeroShotRecords):
            return split, notes
        kept = sum(map(len, self.of_unseen(records, records.test_unseen)))
        if self.unseen_imbalance != 1:
            split += f", unseen rows thinned {self.unseen_imbalance:g}:1 (seed {self.unseen_imbalance_seed})"
            used = f"runs use {kept:,} of the {len(records.test_unseen):,} test_unseen rows"
            notes = [*notes, f"{used}; sizes and other notes are of all of them"]
        if self.shots:
            drawn = f"runs train on {self.shots} of the rows of each unseen class"
            notes = [*notes, f"{drawn} and are tested on the others"]
        return split, notes

    def problems(self) -> Iterable[Problem]:
        """Yield the options that would have no effect."""
        # Standardising after the projection divides by the radius again.
        if self.radius is not None and not self.feature_scaling.endswith("l2"):
            yield Problem(
                "radius",
                f"has no effect with feature_scaling={self.feature_scaling}; use l2 or center_l2, or radius=null",
            )

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect where all rows are kept, or none of an unseen class is labelled."""
        yield from super().idle_options()
        if self.unseen_imbalance == 1:
            yield from idle("unseen_imbalance=1", "unseen_imbalance_seed")
        if not self.shots:
            yield from idle("shots=0", "shots_seed")
