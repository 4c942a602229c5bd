"""Tasks one after the other, with anything between plain fine-tuning and ANCL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from zsl_runner.config.registry import resolve
from zsl_runner.data.tasks.folds import TaskTraining
from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.errors import ConfigError
from zsl_runner.models.task_model import TaskModel, TaskNetwork
from zsl_runner.objectives.continual import task_cross_entropy
from zsl_runner.trainers.continual.conf import ICaRLConf, JointConf
from zsl_runner.trainers.continual.exemplars import ExemplarPhase
from zsl_runner.trainers.continual.importance import ImportancePhase
from zsl_runner.trainers.continual.memory import ExemplarMemory
from zsl_runner.trainers.continual.options import HeldTrainerConf, ImportanceTrainerConf, TaskTrainerConf
from zsl_runner.trainers.continual.pool import PoolDraw, RowDraw, RowPool, answered
from zsl_runner.trainers.continual.regularisers import Reference, Regulariser, Student
from zsl_runner.trainers.continual.search import StabilitySearch, parted
from zsl_runner.training.base import Phase, Step, StepReport, Trainer, TrainingContext


class ContinualTrainer(Trainer):
    r"""Trains on one task after the other.

    .. math:: L = L_{CE}(\theta; D_t) + \lambda\, \Omega(\theta; \theta_{old})
        + \lambda_a\, \Omega(\theta; \theta_{aux})

    A task is a phase ``task_<t>``. Before it, if lambda_a is not 0, ``task_<t>.auxiliary`` fine-tunes a copy of the
    network on the task's own rows; after either, a method that knows importances of weights learns them, and one with a
    memory chooses its exemplars.

    Args:
        conf: the procedure's options.
        context: what it works on; the model must be a `TaskModel`.

    Raises:
        ConfigError: a plane through networks that keep statistics beside their parameters.

    Attributes:
        decides_by_task: whether training decides among the classes of a row's own task (``til``).
    """

    context: TrainingContext[TaskTraining]

    def __init__(self, conf: TaskTrainerConf, context: TrainingContext[TaskTraining]) -> None:
        super().__init__(conf, context)
        if not isinstance(context.model, TaskModel):
            raise TypeError(f"{type(context.model).__name__} has no logits of tasks")
        self.conf = conf
        self.model = context.model
        self.data = context.data
        self.order = context.data.order
        self._search: StabilitySearch | None = None
        if isinstance(conf, HeldTrainerConf) and conf.searches:
            self.data, held_out = parted(context.data, conf.search.held_out, context.streams)
            self._search = StabilitySearch(conf.search, held_out, context.model, context.runtime)
        vectors = context.data.class_vectors
        if vectors is not None:
            self.model.describe(vectors)
        self.decides_by_task = conf.scenario == "til" or (conf.scenario == "auto" and vectors is None)
        self._regulariser, self._weight, self._auxiliary_weight = _pulls(conf, self.order)
        self._trains_auxiliary = isinstance(conf, HeldTrainerConf) and conf.trains_auxiliary
        if self._trains_auxiliary:
            self.model.keep_auxiliaries()
        self._plane = isinstance(conf, HeldTrainerConf) and conf.plane
        if self._plane:
            if self.model.statistics.shape[2]:
                raise ConfigError(
                    "trainer.plane: the network keeps statistics beside its parameters, as batch norm does, and a "
                    "point between networks has none of its own; expected false, or a network without them"
                )
            self.model.keep_joint()
        self._importance: ImportancePhase | None = None
        if isinstance(conf, ImportanceTrainerConf):
            assert self._regulariser is not None
            self._importance = ImportancePhase(
                conf, self._regulariser, self.data, self.model.main, self.decides_by_task, context.streams
            )
        self._exemplars: ExemplarPhase | None = None
        if isinstance(conf, ICaRLConf):
            memory = ExemplarMemory(self.data, conf.memory, conf.memory_per_class)
            self._exemplars = ExemplarPhase(self.model, self.data, memory, conf.selection, context.streams)
        self._task_of_class = torch.tensor(self.order.task_of_class, device=self.data.data.labels.device)
        self._rows = [self.data.data.positions_of(self.order.of(task)) for task in range(self.order.tasks)]
        self._pool = RowPool(context.streams, self.data.data.labels.device)
        self._answers: dict[str, Tensor] | None = None
        self._compiled = context.runtime.compile(self.terms)

    def warnings(self) -> list[str]:
        """Return what has no effect: pulls with one task, tasks of one class, and a plane without a second corner.

        And in which tasks a search of weights ended before it found one that is small enough.
        """
        unfinished = [] if self._search is None else self._search.warnings()
        return [*self._without_old_network(), *self._without_decision(), *self._without_plane(), *unfinished]

    def _without_old_network(self) -> list[str]:
        if self.order.tasks > 1 or not (self._weight or self._auxiliary_weight):
            return []
        return ["one task: there is no old network, so that trainer.weight and trainer.auxiliary_weight have no effect"]

    def _without_decision(self) -> list[str]:
        single = [str(task + 1) for task, size in enumerate(self.order.sizes) if size == 1]
        if not single or not self.decides_by_task:
            return []
        return [
            f"tasks of one class ({', '.join(single)}): with the task given there is nothing to decide, so that their "
            "loss is 0 and their taw accuracy 100 whatever the network; scenario=cil trains among all classes so far"
        ]

    def _without_plane(self) -> list[str]:
        if not (self._plane and self.decides_by_task and self.order.sizes[-1] == 1):
            return []
        return [
            "trainer.plane has no effect: the last task has one class, so that with the task given its auxiliary "
            "network learns nothing and stays the old one, the plane's first corner"
        ]

    def phases(self) -> Sequence[Phase]:
        """Return the phases of all tasks."""
        phases = [phase for task in range(self.order.tasks) for phase in self._phases_of(task)]
        return [*phases, self._joint_phase()] if self._plane else phases

    def _phases_of(self, task: int) -> list[Phase]:
        name, is_last = f"task_{task + 1}", task == self.order.tasks - 1
        phases = []
        if task and self._trains_auxiliary:
            auxiliary = Phase(
                f"{name}.auxiliary",
                self._auxiliary_steps(len(self._rows[task])),
                Step(self._draw, partial(self._compute_auxiliary, task)),
                begin=partial(self._begin_auxiliary, task),
                end=partial(self._end_auxiliary, task),
                validates=False,
            )
            phases.append(auxiliary)
            if self._importance is not None and self._auxiliary_weight:
                before = self._importance.before(f"{name}.auxiliary_importance", task, self.model.auxiliary)
                phases.append(before)
        main = Phase(
            name,
            self._main_steps(task),
            Step(partial(self._draw_asked, task), partial(self._compute, task)),
            begin=partial(self._begin, task),
            end=partial(self._end, task),
            validates=self._exemplars is None,
            repeats=None if self._search is None or not task else self._search.fails,
        )
        phases.append(main)
        if self._exemplars is not None:
            phases.append(self._exemplars.phase(f"{name}.exemplars", task))
        if self._importance is not None and self._weight and not is_last:
            phases.append(self._importance.after(f"{name}.importance", task, self.model.old))
        return phases

    def _joint_phase(self) -> Phase:
        last = self.order.tasks - 1
        return Phase(
            f"task_{last + 1}.joint",
            self._auxiliary_steps(sum(map(len, self._rows))),
            Step(self._draw, partial(self._compute_auxiliary, last, is_own=False)),
            begin=self._begin_joint,
            end=self.model.finish_joint,
            validates=False,
        )

    def terms(self, task: int, x: Tensor, labels: Tensor, references: dict[str, Reference]) -> dict[str, Tensor]:
        """Return the weighted terms of a step of the main network.

        Args:
            task: the task, from 0.
            x: (B, ...) rows.
            labels: (B,) int64 classes.
            references: the networks that the main one is held to, see `references`.

        Returns:
            ``task``, and a term for each reference.
        """
        network = self.model.main
        features = network.represent(x)
        is_own = task == 0 or (self._exemplars is None and not isinstance(self.conf, JointConf))
        terms = {"task": self._cross_entropy(network, features, labels, task, is_own)}
        weights = {"stability": self._weight, "plasticity": self._auxiliary_weight}
        student = Student(network, x, features)
        for name, reference in references.items():
            assert self._regulariser is not None
            terms[name] = weights[name] * self._regulariser.penalty(student, reference)
            if self._search is not None:
                terms[name] = self._search.factor * terms[name]
        return terms

    def references(self, task: int) -> dict[str, Reference]:
        """Return the networks that the main one is held to: ``stability`` the old, ``plasticity`` the auxiliary one."""
        found: dict[str, Reference] = {}
        learned = self._importance
        old = ([], []) if learned is None else (learned.old, learned.old_held)
        auxiliary = ([], []) if learned is None else (learned.auxiliary, learned.auxiliary_held)
        if task and self._weight:
            found["stability"] = Reference(self.model.old, self.order.until(task - 1), *old)
        if task and self._auxiliary_weight:
            found["plasticity"] = Reference(self.model.auxiliary, self.order.of(task), *auxiliary)
        return found

    def _cross_entropy(self, network: TaskNetwork, features: Tensor, labels: Tensor, task: int, is_own: bool) -> Tensor:
        """Return the loss of labels; ``is_own`` says that all rows are of the task."""
        if self.decides_by_task and is_own:
            classes = self.order.of(task)
            return task_cross_entropy(network.classify(features, classes), labels - classes.start)
        classes = self.order.until(task)
        logits = network.classify(features, classes)
        if not self.decides_by_task:
            return task_cross_entropy(logits, labels)
        tasks = self._task_of_class
        return task_cross_entropy(logits, labels, tasks[: len(classes)] == tasks[labels][:, None])

    def _auxiliary_steps(self, rows: int) -> int:
        """Return the auxiliary network's steps in a task: the main one's, unless it has its own length."""
        assert isinstance(self.conf, HeldTrainerConf)
        own = self.conf.auxiliary
        length = (own.iterations, own.epochs)
        if length == (None, None):
            length = (self.conf.iterations, self.conf.epochs)
        return _steps(*length, rows, self.conf.batch_size)

    def _main_steps(self, task: int) -> int:
        return _steps(self.conf.iterations, self.conf.epochs, self._pool_size(task), self.conf.batch_size)

    def _pool_size(self, task: int) -> int:
        if isinstance(self.conf, JointConf):
            return sum(len(rows) for rows in self._rows[: task + 1])
        kept = 0 if self._exemplars is None else self._exemplars.memory.kept(task)
        return len(self._rows[task]) + kept

    def _begin(self, task: int) -> None:
        """Begin the main network's training on a task: on its rows, and on what is kept of others."""
        rows = [self._rows[task]]
        if isinstance(self.conf, JointConf):
            rows = self._rows[: task + 1]
        elif self._exemplars is not None and task:
            rows.append(self._exemplars.memory.before(task))
        self._answers = None
        self._pool.begin(torch.cat(rows), "batches")
        self.context.optimisers.restart("model")
        if task and self._search is not None:
            self._search.begin_try()

    def _end(self, task: int) -> None:
        """End the main network's training on a task: judge a try of a search, and keep the network if it counts."""
        if task and self._search is not None:
            self._search.judge(task, self._decided(task), self.order.of(task))
            if self._search.fails():
                return
        if self._exemplars is None:
            self.model.finish_task(task)

    def _decided(self, task: int) -> range:
        """Return the classes among which training on a task decides."""
        return self.order.of(task) if self.decides_by_task else self.order.until(task)

    def _begin_auxiliary(self, task: int) -> None:
        """Make the auxiliary network and begin its training, on the task's own rows alone."""
        self.model.begin_auxiliary()
        self._pool.begin(self._rows[task], "auxiliary_batches")
        self.context.optimisers.restart("auxiliary")

    def _end_auxiliary(self, task: int) -> None:
        """Keep the auxiliary network, and measure it if tries of the main one are compared to it."""
        self.model.finish_auxiliary(task)
        if self._search is not None:
            self._search.refer(self._decided(task), self.order.of(task))

    def _begin_joint(self) -> None:
        """Make the auxiliary network the old one again and begin its training on the rows of all tasks."""
        self.model.begin_joint()
        self._pool.begin(torch.cat(self._rows), "joint_batches")
        self.context.optimisers.restart("auxiliary")

    def _draw(self) -> RowDraw:
        return RowDraw(self._pool.draw(self.conf.batch_size).positions)

    def _draw_asked(self, task: int) -> PoolDraw:
        """Draw rows of a step of the main network; before the first, ask the resting networks about all of them."""
        if self._answers is None:
            self._answers = self._ask(task)
        return self._pool.draw(self.conf.batch_size)

    def _ask(self, task: int) -> dict[str, Tensor]:
        """Return what the resting networks say about the rows of the pool, by the name of the reference.

        Nothing where the phase is over before it has seen all rows: asking with every step is less then.
        """
        regulariser, pool = self._regulariser, self._pool.rows
        size = min(self.conf.batch_size, len(pool))
        if regulariser is None or not regulariser.asks or self._main_steps(task) * size < len(pool):
            return {}
        found = {}
        for name, reference in self.references(task).items():
            network = reference.network.eval()

            def answer(rows: Tensor, network: TaskNetwork = network, classes: range = reference.classes) -> Tensor:
                return regulariser.answers(network, self.data.data.rows.take(rows), classes)

            with self.context.runtime.autocast():
                found[name] = answered(answer, pool, size)
        return found

    def _take(self, drawn: RowDraw) -> tuple[Tensor, Tensor]:
        return self.data.data.rows.take(drawn.positions), self.data.data.labels[drawn.positions]

    def _compute(self, task: int, drawn: PoolDraw) -> StepReport:
        x, labels = self._take(drawn)
        _set_mode(self.model.main, training=True)
        _set_mode(self.model.old, training=False)
        _set_mode(self.model.auxiliary, training=False)
        references = self.references(task)
        for name, answers in (self._answers or {}).items():
            references[name] = replace(references[name], answers=answers[drawn.places])
        with self.context.runtime.autocast():
            terms = self._compiled(task, x, labels, references)
        return StepReport(self.context.minimize_terms(terms, "model"), len(x), {"x": x, "labels": labels})

    def _compute_auxiliary(self, task: int, drawn: RowDraw, is_own: bool = True) -> StepReport:
        x, labels = self._take(drawn)
        network = self.model.auxiliary
        _set_mode(network, training=True)
        with self.context.runtime.autocast():
            loss = self._cross_entropy(network, network.represent(x), labels, task, is_own)
        found = self.context.minimize_terms({"task": loss}, "auxiliary")
        return StepReport(found, len(x), {"x": x, "labels": labels})

    def state_dict(self) -> dict[str, Any]:
        """Return the rows of the present phase and the order they are drawn in, importances, and exemplars."""
        return {
            **self._pool.state_dict(),
            "importance": None if self._importance is None else self._importance.state_dict(),
            "exemplars": None if self._exemplars is None else self._exemplars.state_dict(),
            "search": None if self._search is None else self._search.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self._answers = None
        self._pool.load_state_dict(state)
        if self._importance is not None:
            self._importance.load_state_dict(state["importance"])
        if self._exemplars is not None:
            self._exemplars.load_state_dict(state["exemplars"])
        if self._search is not None:
            self._search.load_state_dict(state["search"])


def _pulls(conf: TaskTrainerConf, order: TaskOrder) -> tuple[Regulariser | None, float, float]:
    """Return what holds the network, and the weights of the pulls to the old and to the auxiliary network."""
    if not isinstance(conf, HeldTrainerConf):
        return None, 0.0, 0.0
    return resolve(conf.regulariser)(conf, order), conf.weight, conf.auxiliary_weight


def _set_mode(network: TaskNetwork, training: bool) -> None:
    if network.training != training:  # a look is cheaper than a way through all modules
        network.train(training)


def _steps(iterations: int | None, epochs: int | None, rows: int, batch_size: int) -> int:
    if iterations is not None:
        return iterations
    assert epochs is not None
    return epochs * max(1, rows // batch_size)
