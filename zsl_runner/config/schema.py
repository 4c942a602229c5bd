"""The typed configuration of a run. Values live in ``conf/``; here are names, types, ranges and meanings.

Every group (dataset, model, trainer, evaluator) has a base class here and its members in the packages that
implement them (``zsl_runner/models/<kind>/conf.py`` and so on), found by `zsl_runner.config.registry`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from omegaconf import MISSING

from zsl_runner.config.fields import option, section
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.problems import Idle, Problem
from zsl_runner.config.quantities import Quantity
from zsl_runner.config.reference import ReferenceConf
from zsl_runner.config.sections import CheckpointConf, DebugConf, RuntimeConf, TrackerConf
from zsl_runner.config.vocabulary import VALIDATING, Provision, View


@dataclass(frozen=True)
class RequiredFile:
    """A file a data set reads.

    Attributes:
        path: where it should be, without ``~``: see `zsl_runner.files.folders.expanded`.
        remedy: how to get it.
        sha256: its checksum if the configuration fixes one.
        key: the configuration key that says where it is.
    """

    path: str
    remedy: str
    sha256: str | None = None
    key: str = "root"


@dataclass
class Component:
    """What every member of a configuration group has.

    Attributes of the class (not configurable):
        implementation: ``package.module:name`` of the class or function that the configuration builds.
    """

    implementation: ClassVar[str] = ""

    kind: str = option(MISSING, "the implementation; fixed by the file chosen in the group")
    name: str = option(MISSING, "the label in directories, tables and TensorBoard")

    def problems(self) -> Iterable[Problem]:
        """Yield the problems that concern several keys of this object at once."""
        return ()

    def idle_options(self) -> Iterable[Idle]:
        """Yield the options that have no effect beside the others and whose default does not say so; no problem."""
        return ()


@dataclass
class DatasetConf(Component):
    """Base of all data sets.

    ``provides`` names what models, trainers and evaluators may need, in words of `zsl_runner.config.vocabulary`.

    Attributes of the class (not configurable):
        folds: ``package.module:name`` of the function that cuts what the source loads into folds, called with the
            records, this configuration, the trainer's and the device.
        kept_copy: ``package.module:name`` of the function that tells where loading keeps a fast copy, called with this
            configuration; see `zsl_runner.files.folders.KeptCopy`. Empty for data that are read directly; a
            configuration that names one has an option ``cache``, null for no copy.
        contents: ``package.module:name`` of the function that returns the files of the data with their checksums
            without loading them, called with this configuration: those that the records' provenance will name. Empty
            for data whose files are the required ones, and for data without files.
        other_pictures: ``package.module:name`` of the function that reads the pictures of any folder as those of the
            data set are read, called with this configuration, the loaded records and the folder; it returns records
            of the same kind whose test rows these pictures are, with nothing known of them. Empty for data that are no
            picture files.
    """

    folds: ClassVar[str] = ""
    kept_copy: ClassVar[str] = ""
    contents: ClassVar[str] = ""
    other_pictures: ClassVar[str] = ""
    provides: ClassVar[frozenset[str]] = frozenset()

    def setting(self, model: ModelConf, trainer: TrainerConf) -> dict[str, str]:
        """Return under which conditions a result was measured, for its record."""
        return {"kind": "supervised"}

    def scaling(self, records: Any) -> dict[str, Any]:
        """Return how training scales what is loaded, for a result's record; empty where that is no choice.

        Args:
            records: the loaded ones.
        """
        return {}

    def image_side(self) -> int | None:
        """Return the side of square images in pixels; None if the files decide, or if there are no images."""
        return None

    def image_channels(self) -> int | None:
        """Return 1 for grey images and 3 for coloured ones; None if it is not known, or if there are no images."""
        return None

    def known_sizes(self) -> tuple[int, int] | None:
        """Return how many classes have training rows, and the most training rows there can be; None if files decide."""
        return None

    def fits(self, evaluator: EvaluatorConf) -> Iterable[Problem]:
        """Yield why the stages of the evaluator have no folds, as far as options tell; keys are below the data set."""
        return ()

    def required_files(self) -> Iterable[RequiredFile]:
        """Yield the files that must exist before a run starts."""
        return ()

    def split_in_use(self, records: Any) -> tuple[str, list[str]]:
        """Return what the split that runs use is called, and in sentences what they use otherwise than the files say.

        Args:
            records: the loaded ones.
        """
        return records.provenance.split_version, []

    def doubts_in_use(self, records: Any) -> list[str]:
        """Return in sentences what makes metrics of runs worthless, of all that is so by the split of the files.

        Args:
            records: the loaded ones.
        """
        doubts: list[str] = records.doubts()
        return doubts

    def expectations(self) -> Mapping[str, object]:
        """Return what this configuration demands of the data, by the label of the fact; None where it demands nothing.

        Labels are those of ``Records.facts()``. Loading refuses data that do not comply; this is for the report of
        ``zsl-data verify``.
        """
        return {}


@dataclass
class ModelConf(Component):
    """Base of all models.

    ``needs`` names what the data set must provide, ``capabilities`` what trainers and evaluators may call, in words of
    `zsl_runner.config.vocabulary`; ``reads`` is the view of the data it is built from and trained on; ``options_of``
    names options that have an effect only where trainer or evaluator calls a capability.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    capabilities: ClassVar[frozenset[str]] = frozenset()
    reads: ClassVar[View] = View.OWN
    options_of: ClassVar[dict[str, tuple[str, ...]]] = {}

    def fits(self, dataset: DatasetConf) -> Iterable[Problem]:
        """Yield what the model cannot do with this data set as it is prepared; keys are below the model."""
        return ()

    def idle_on(self, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield the options that have no effect on this data set; keys are below the model."""
        return ()

    def initial_weights(self) -> str | None:
        """Return the file or the run from which a stage takes its first weights; None for random ones."""
        return None

    def uses_labels(self) -> bool:
        """Tell whether training sees labels of classes, where the data set has some; for the record."""
        return True


@dataclass
class TrainerConf(Component):
    """Base of all training procedures.

    ``requires`` names the model capabilities it calls, ``needs`` what the data set must provide.
    """

    requires: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[frozenset[str]] = frozenset()

    def optimisers(self) -> dict[str, OptimizerConf]:
        """Return the optimiser settings of each parameter group the procedure minimises, where the model has it."""
        return {}

    def batch_rows(self) -> int | None:
        """Return how many labelled rows a step sees; None if a step has no batch."""
        return getattr(self, "batch_size", None)

    def sees_unlabelled(self) -> bool:
        """Tell whether training also sees the unseen rows, without labels (the transductive setting)."""
        return Provision.UNLABELLED in self.needs

    def sees_masks(self) -> bool:
        """Tell whether training also sees the masks of tagged images: its metrics are bounds, called ``oracle/...``."""
        return Provision.MASKS in self.needs

    def validates(self) -> str:
        """Return in words when the procedure itself has runs validate; empty where ``evaluator.every`` says it."""
        return "every trainer.evaluate_every epochs" if hasattr(self, "evaluate_every") else ""

    def serves_validations(self) -> tuple[str, ...]:
        """Return the options that say only when a run validates or what follows from it; keys are below the trainer."""
        return ("evaluate_every",) if hasattr(self, "evaluate_every") else ()

    def serves_figures(self) -> tuple[str, ...]:
        """Return the options that are on and change nothing but the figures at the end; keys are below the trainer."""
        return ()

    def prior_source(self) -> str:
        """Return where the frequencies of the unseen classes come from, for the record.

        ``known`` hands those of the unseen rows to training: a leak, on request only.
        """
        return "uniform"

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """Yield what the procedure cannot do with this model on this data set; keys are below the trainer."""
        return ()

    def unmeasured(self, model: ModelConf) -> Mapping[str, str]:
        """Return the metrics, without prefix, that a model trained so does not have, each with the reason."""
        return {}

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield the options that have no effect with this model on this data set; keys are below the trainer."""
        return ()


@dataclass
class EvaluatorConf(Component):
    """Base of all evaluators: what is measured, when, and how a model is selected.

    ``quantities`` describes the metrics, by name without the prefix, that are not accuracies in per cent.
    """

    requires: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[frozenset[str]] = frozenset()
    quantities: ClassVar[dict[str, Quantity]] = {}
    reads: ClassVar[View] = View.OWN

    stages: list[str] = option(
        ["tune", "final"],
        "zero-shot data: tune = train on the training classes and validate on the validation classes; final = train on "
        "all seen classes and read the test split once at the end. Other data: fit = train on the training rows, "
        "validate on the validation rows and read the test rows once at the end; tune = the same without the test",
        choices=("tune", "final", "fit"),
    )
    select: str = option(
        "last",
        "training length: last = as configured; val = where select_metric was best on validation data",
        choices=("last", "val"),
    )
    select_metric: str = option("val/H", "validation metric for selection, early stopping and searches")
    every: int = option(100, "steps between two validations, unless the trainer counts epochs (evaluate_every)", low=1)
    patience: int | None = option(
        None, "stop after this number of validations without a better select_metric; null never stops early", low=1
    )
    batch_size: int = option(4096, "rows scored at a time", low=1)
    oracle: bool = option(False, "also compute oracle/* metrics, which look at test labels; never used for a decision")

    def problems(self) -> Iterable[Problem]:
        """An oracle has nothing to look at where the test rows stay unread."""
        if self.oracle and list(self.stages) == ["tune"]:
            yield Problem(
                "oracle", "has no effect with stages=[tune]: it looks at the test rows, which are not read then"
            )

    def looks(self) -> bool:
        """Tell whether anything is measured before a stage's end: on validation data, or by the oracle."""
        return bool(set(self.stages) & set(VALIDATING)) or self.oracle

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """Yield what the evaluator cannot measure of this model on this data set; keys are below the evaluator."""
        return ()

    def unmeasured(self, model: ModelConf, dataset: DatasetConf) -> Mapping[str, str]:
        """Return the metrics, without prefix, that no validation of this model on these data gives, with the reason."""
        return {}

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield the options that have no effect with this model on this data set; keys are below the evaluator."""
        return ()


@dataclass
class RunConfig:
    """A whole run."""

    task: str = option("train", "train, or check: stop after the preflight check", choices=("train", "check"))
    seed: int = option(0, "the one seed from which every generator of the run is derived", low=0, high=2**31 - 1)
    name: str | None = option(None, "name of the run's directory; null makes one from the overrides")
    outputs: str = option("outputs", "folder of all runs")
    resume: str | None = option(None, "directory of a run to continue in place")
    existing: str = option(
        "auto",
        "where outputs holds a run of the same configuration and seed: new = run again in a directory of its own; "
        "keep = continue it if it is unfinished, leave it if it is complete or failed; retry = the same, but continue "
        "a failed one, too; auto = keep in a sweep, new otherwise",
        choices=("auto", "new", "keep", "retry"),
    )
    objectives: list[str] = option(
        [],
        "validation metrics (val/...) that a search optimises, in the order of hydra.sweeper.direction; "
        "empty: evaluator.select_metric",
    )
    dataset: DatasetConf = field(default=MISSING)
    model: ModelConf = field(default=MISSING)
    trainer: TrainerConf = field(default=MISSING)
    evaluator: EvaluatorConf = field(default=MISSING)
    runtime: RuntimeConf = section(RuntimeConf, "where and how the run computes")
    tracker: TrackerConf = section(TrackerConf, "what a run writes while it trains")
    debug: DebugConf = section(DebugConf, "looks at what a run does; a run with any of it is no result")
    checkpoint: CheckpointConf = section(CheckpointConf, "when checkpoints are written")
    reference: ReferenceConf = section(ReferenceConf, "the published result an experiment follows")


GROUPS: dict[str, type[Any]] = {
    "dataset": DatasetConf,
    "model": ModelConf,
    "trainer": TrainerConf,
    "evaluator": EvaluatorConf,
}
