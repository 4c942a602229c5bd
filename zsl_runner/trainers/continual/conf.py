"""Options of the procedures for tasks; those named a_* in ``conf/trainer`` are the same with an auxiliary network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability
from zsl_runner.trainers.continual.options import HeldTrainerConf, ImportanceTrainerConf, TaskTrainerConf


@dataclass
class FinetuneConf(TaskTrainerConf):
    """Nothing holds the network."""

    kind: str = option("finetune", "the implementation; fixed by the file chosen in the group")
    name: str = option("finetune", "the label in directories, tables and TensorBoard")


@dataclass
class JointConf(TaskTrainerConf):
    """With each task the rows of all tasks so far; a bound, not a method."""

    kind: str = option("joint", "the implementation; fixed by the file chosen in the group")
    name: str = option("joint", "the label in directories, tables and TensorBoard")


@dataclass
class EWCConf(ImportanceTrainerConf):
    """Elastic weight consolidation: importances are the diagonal of the Fisher information."""

    kind: str = option("ewc", "the implementation; fixed by the file chosen in the group")
    name: str = option("ewc", "the label in directories, tables and TensorBoard")
    estimator: str = option(
        "empirical",
        "squared gradients of the log-likelihood, a row at a time, of its own label (empirical), of each class by its "
        "probability (exact), of a drawn class (sampled); batched: squares of the gradient of a batch's mean, times "
        "its rows, which depend on batch_size and are far smaller (released)",
        choices=("empirical", "exact", "sampled", "batched"),
    )

    @property
    def mixes_rows(self) -> bool:
        """Gradients of one class add up in a batch, where those of several partly cancel out."""
        return self.estimator == "batched"

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect without a pull."""
        yield from super().idle_options()
        yield from self.idle_without_pull("estimator")


@dataclass
class MASConf(ImportanceTrainerConf):
    """Memory aware synapses: importances are the absolute gradients of the outputs' norm."""

    kind: str = option("mas", "the implementation; fixed by the file chosen in the group")
    name: str = option("mas", "the label in directories, tables and TensorBoard")
    squared: bool = option(
        False, "the outputs' squared norm (Aljundi et al. 2018) instead of their norm (released with ANCL)"
    )

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect without a pull."""
        yield from super().idle_options()
        yield from self.idle_without_pull("squared")


@dataclass
class LwFConf(HeldTrainerConf):
    """Learning without forgetting: softened outputs on the new rows stay as they are."""

    regulariser: ClassVar[str] = "zsl_runner.trainers.continual.regularisers:SoftenedOutputs"

    kind: str = option("lwf", "the implementation; fixed by the file chosen in the group")
    name: str = option("lwf", "the label in directories, tables and TensorBoard")
    temperature: float = option(2.0, "temperature of the softened outputs", low=0.0, above=True)
    heads: str = option(
        "joint",
        "softened outputs of old tasks: one distribution over all (joint, released), one for each task (each), or one "
        "over old and new classes, of which the old network gives the new ones nothing (all)",
        choices=("joint", "each", "all"),
    )

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect without a pull."""
        yield from super().idle_options()
        yield from self.idle_without_pull("temperature", "heads")


@dataclass
class LFLConf(HeldTrainerConf):
    """Less-forgetful learning: normalised features stay as they are."""

    regulariser: ClassVar[str] = "zsl_runner.trainers.continual.regularisers:Features"

    kind: str = option("lfl", "the implementation; fixed by the file chosen in the group")
    name: str = option("lfl", "the label in directories, tables and TensorBoard")


@dataclass
class ICaRLConf(HeldTrainerConf):
    """Exemplars of old classes, outputs on them that stay as they are, and the nearest class mean as classifier."""

    regulariser: ClassVar[str] = "zsl_runner.trainers.continual.regularisers:SingleOutputs"

    kind: str = option("icarl", "the implementation; fixed by the file chosen in the group")
    name: str = option("icarl", "the label in directories, tables and TensorBoard")
    memory: int | None = option(2000, "exemplars of all classes together; null: see memory_per_class", low=1)
    memory_per_class: int | None = option(None, "exemplars of each class; null: see memory", low=1)
    selection: str = option(
        "herding",
        "exemplars of a class: herding = their mean follows that of the class; random",
        choices=("herding", "random"),
    )

    def problems(self) -> Iterable[Problem]:
        """There must be a memory, and one."""
        yield from super().problems()
        if self.memory is None and self.memory_per_class is None:
            yield Problem("memory", f"trainer {self.name} needs exemplars; set memory or memory_per_class")
        if self.memory is not None and self.memory_per_class is not None:
            yield Problem("memory_per_class", "expected either memory or memory_per_class, the other null")

    def validates(self) -> str:
        """Classes are decided by means of exemplars."""
        return "when the exemplars of a task are chosen"

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """Classes are decided by means of rows, and exemplars are rows; of classes without rows there are none."""
        yield from super().fits(model, dataset)
        sizes = dataset.known_sizes()
        if sizes is not None:
            classes, rows = sizes
            yield from unfit_memory(self.memory, self.memory_per_class, classes, rows, rows // classes)
        if Capability.UNSEEN_LOGITS in model.capabilities:
            remedy = "choose another trainer"
            yield Problem("kind", f"has no means of unseen classes, which model {model.name} is for; {remedy}")


def unfit_memory(total: int | None, per_class: int | None, classes: int, rows: int, smallest: int) -> Iterable[Problem]:
    """Yield that there are fewer rows than exemplars, or fewer exemplars than classes.

    Args:
        total: exemplars of all classes together; None for a number for each class.
        per_class: exemplars of each class; None likewise.
        classes: number of classes.
        rows: training rows.
        smallest: training rows of the smallest class, or the most that it can have.
    """
    if total is not None and not classes <= total <= rows:
        expected = f"expected {classes} (one exemplar of each class) to {rows:,} (all training rows)"
        yield Problem("memory", f"{expected}, found {total:,}")
    if per_class is not None and per_class > smallest:
        expected = f"expected at most {smallest:,}, for the smallest class has no more rows"
        yield Problem("memory_per_class", f"{expected}; found {per_class:,}")
