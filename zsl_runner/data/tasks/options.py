"""Options every data set of tasks has. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf, TrainerConf
from zsl_runner.config.vocabulary import Provision
from zsl_runner.data.tasks.order import TaskOrder, even_sizes
from zsl_runner.data.zero_shot.options import ZeroShotConf
from zsl_runner.errors import OptionError

STATIC_TEST_SHARE: Final = 0.2
STATIC_TEST_SEED: Final = 42
_FEATURE_SCALINGS: Final = ("none", "l2")
_SEMANTIC_SCALINGS: Final = ("none", "l2", "sqrt")


@dataclass
class TasksConf(DatasetConf):
    """How classes are divided into tasks."""

    n_tasks: int = option(5, "number of tasks, which arrive one after the other", low=1)
    class_order: list[int] | None = option(
        None, "class ids in the order in which they arrive, each once; null: ascending", low=0
    )
    class_order_seed: int | None = option(
        None, "seed of a random order of the classes; null: as class_order says", low=0
    )
    first_task_classes: int | None = option(
        None, "classes of the first task; null: as many as in the others, or one more", low=1
    )

    def setting(self, model: ModelConf, trainer: TrainerConf) -> dict[str, str]:
        """Return that classes arrive in tasks."""
        return {"kind": f"continual, {self.n_tasks} tasks"}

    def problems(self) -> Iterable[Problem]:
        """Yield two orders at once, and classes in two tasks."""
        yield from super().problems()
        if self.class_order is None:
            return
        if self.class_order_seed is not None:
            yield Problem("class_order_seed", "has no effect with class_order; set one of them to null")
        twice = sorted({label for label in self.class_order if self.class_order.count(label) > 1})
        if twice:
            yield Problem("class_order", f"expected each class once, found {twice} in two places; a class has one task")

    def problems_of_tasks(self, classes: int, trained: int | None = None) -> Iterable[Problem]:
        """Yield what does not fit so many classes, of which so many have training rows (None: all)."""
        if self.class_order is not None and sorted(set(self.class_order)) != list(range(classes)):
            yield Problem("class_order", f"expected the classes 0..{classes - 1}, found {list(self.class_order)}")
        divided = classes if trained is None else trained
        if problem := _too_many_tasks(self.n_tasks, self.first_task_classes, divided):
            yield problem

    def order_of(self, classes: int, validation: int = 0) -> TaskOrder:
        """Return the tasks of so many classes, beside which the tune stage has so many validation classes.

        Raises:
            DataError: a task would have no class.
        """
        if problem := _too_many_tasks(self.n_tasks, self.first_task_classes, classes):
            message = f"dataset.{problem.key}: {problem.message}"
            if validation:  # the data have more classes than are expected here
                message += (
                    f"; the tune stage has {classes} classes beside the {validation} validation classes; set it lower, "
                    "or use fewer dataset.validation_classes or evaluator.stages=[final]"
                )
            raise OptionError(message)
        return TaskOrder(even_sizes(classes, self.n_tasks, self.first_task_classes))


@dataclass
class ImageTasksConf(TasksConf):
    """The same of images of classes; to be listed before the options of images."""

    folds: ClassVar[str] = "zsl_runner.data.tasks.stages:image_tasks"
    provides: ClassVar[frozenset[str]] = frozenset({Provision.TASKS})

    def problems(self) -> Iterable[Problem]:
        """Yield tasks that the classes do not fit, where these are known."""
        yield from super().problems()
        if (sizes := self.known_sizes()) is not None:
            yield from self.problems_of_tasks(sizes[0])


@dataclass
class ZeroShotTasksConf(TasksConf, ZeroShotConf):
    """The same of zero-shot data."""

    folds: ClassVar[str] = "zsl_runner.data.tasks.stages:zero_shot_tasks"
    provides: ClassVar[frozenset[str]] = frozenset({Provision.TASKS, Provision.ZERO_SHOT_TASKS})

    task_setting: str = option(
        "dynamic",
        "dynamic: a task brings some of the seen classes, with training rows, and some of the unseen ones, without. "
        "static: every class has training rows in one task and is unseen before it; a fifth of the rows of each class "
        "are for testing",
        choices=("dynamic", "static"),
    )

    def setting(self, model: ModelConf, trainer: TrainerConf) -> dict[str, str]:
        """Return that classes arrive in tasks, and which of them are unseen."""
        return {"kind": f"continual, {self.n_tasks} tasks, {self.task_setting}"}

    def split_in_use(self, records: Any) -> tuple[str, list[str]]:
        """Return that the static setting divides rows by itself."""
        split, notes = super().split_in_use(records)
        if self.task_setting == "dynamic":
            return split, notes
        return f"own ({STATIC_TEST_SHARE:g} of the rows of each class for testing, seed {STATIC_TEST_SEED})", [
            "runs divide the rows of each class anew, and every class is trained on in its task; sizes of trainval and "
            f"test rows, and which classes are unseen, are told of the split {split}, which is not used"
        ]

    def doubts_in_use(self, records: Any) -> list[str]:
        """Return which classes look the same and, of the published split, which seen ones have no test row.

        T1 is not measured here, the static setting has its own split, and a task without rows is refused.
        """
        from zsl_runner.data.zero_shot.records import ZeroShotRecords

        assert isinstance(records, ZeroShotRecords), f"{type(records).__name__} has no seen and unseen classes"
        untested = records.untested() if self.task_setting == "dynamic" else []
        return [*untested, *records.alike()]

    def problems(self) -> Iterable[Problem]:
        """Yield scalings that would look at rows or classes of later tasks, and options of other settings."""
        yield from super().problems()
        if self.feature_scaling not in _FEATURE_SCALINGS:
            allowed = " or ".join(_FEATURE_SCALINGS)
            yield Problem("feature_scaling", f"looks at rows of later tasks; expected {allowed}")
        if self.semantic_scaling not in _SEMANTIC_SCALINGS:
            allowed = " or ".join(_SEMANTIC_SCALINGS)
            yield Problem("semantic_scaling", f"looks at classes of later tasks; expected {allowed}")
        if self.unseen_imbalance != 1:
            yield Problem("unseen_imbalance", "is not for tasks; expected 1")
        if self.shots:
            yield Problem("shots", "is not for tasks; expected 0")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what draws validation classes where the tune stage holds out rows of every class instead."""
        yield from super().idle_options()
        if self.task_setting == "static":
            yield from idle(
                "task_setting=static, where rows of each class are held out", "validation_classes", "validation_seed"
            )


def _too_many_tasks(tasks: int, first: int | None, classes: int) -> Problem | None:
    """Return that a task would be without a class, or the first not have the classes it is to have."""
    if tasks > classes:
        return Problem("n_tasks", f"expected at most {classes}, one class in each task, found {tasks}")
    if first is None:
        return None
    most = classes if tasks == 1 else classes - tasks + 1
    if first > most or (tasks == 1 and first != classes):
        expected = f"{classes}, all in the only task" if tasks == 1 else f"1 to {most}, a class for each later task"
        return Problem("first_task_classes", f"expected {expected}, found {first}")
    return None
