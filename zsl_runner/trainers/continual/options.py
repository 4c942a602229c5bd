"""Options that the procedures for tasks share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from zsl_runner.config.fields import option, section
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf, TrainerConf
from zsl_runner.config.vocabulary import Capability, Provision
from zsl_runner.data.tasks.options import TasksConf


@dataclass
class TaskTrainerConf(TrainerConf):
    """Tasks one after the other."""

    implementation: ClassVar[str] = "zsl_runner.trainers.continual.trainer:ContinualTrainer"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.TASK_LOGITS})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.TASKS})
    regulariser: ClassVar[str] = ""
    """``package.module:name`` of the class that holds the network; empty for none."""

    scenario: str = option(
        "auto",
        "classes among which training decides: til = those of the row's task (task-incremental), cil = all so far "
        "(class-incremental); auto: cil where classes have vectors, else til. Either way both are measured",
        choices=("auto", "til", "cil"),
    )
    iterations: int | None = option(None, "steps of each task; null: see epochs", low=1)
    epochs: int | None = option(10, "passes over the rows of each task; null: see iterations", low=1)
    batch_size: int = option(128, "rows of a step", low=1)
    optim: OptimizerConf = section(OptimizerConf, "optimiser of the network, which begins anew with each task")

    def optimisers(self) -> dict[str, OptimizerConf]:
        """The network that is kept."""
        return {"model": self.optim}

    def problems(self) -> Iterable[Problem]:
        """The length of a task is given once."""
        if (self.iterations is None) == (self.epochs is None):
            yield Problem("epochs", "expected either epochs or iterations, the other null")

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """Logits of any class are of all classes so far."""
        if self.scenario == "til" and Capability.UNSEEN_LOGITS in model.capabilities:
            yield Problem("scenario", f"model {model.name} decides among all classes so far; expected cil or auto")


@dataclass
class AuxiliaryConf:
    """The network that is fine-tuned on a task alone. It is trained if its weight is not 0, or weights are searched."""

    iterations: int | None = option(None, "steps of the auxiliary network on each task; null: see epochs", low=1)
    epochs: int | None = option(
        None, "passes of the auxiliary network over the rows of each task; null: as many as the main network's", low=1
    )
    optim: OptimizerConf = section(OptimizerConf, "optimiser of the auxiliary network")

    def problems(self) -> Iterable[Problem]:
        """The length of a task is given at most once."""
        if self.iterations is not None and self.epochs is not None:
            yield Problem("epochs", "expected either epochs or iterations, the other null")


LEAST_FACTOR: Final = 1e-30
"""What a search of weights may multiply them by at last: single precision still has it."""


@dataclass
class SearchConf:
    """Weights of the pulls that are lowered until the network learns a task: stability decay (De Lange et al. 2021)."""

    tries: int = option(
        1,
        "most times that a task but the first is learned, each time with smaller weights, until the network decides "
        "its held-out rows nearly as well as an auxiliary one; the last try is kept as it is. 1: no search, and "
        "nothing is held out",
        low=1,
        neutral=True,
    )
    drop: float = option(
        0.2,
        "share of the auxiliary network's accuracy that may be lost: a try is good enough from (1 - drop) times it on",
        low=0.0,
        high=1.0,
        below=True,
        neutral=True,
    )
    factor: float = option(
        0.5,
        "what both weights are multiplied by before the next try",
        low=0.0,
        high=1.0,
        above=True,
        below=True,
        neutral=True,
    )
    held_out: float = option(
        0.1,
        "share of the rows of each class that no network is trained on, at least one row of each that has two",
        low=0.0,
        high=1.0,
        above=True,
        below=True,
        neutral=True,
    )

    def problems(self) -> Iterable[Problem]:
        """The last try still has a weight."""
        smallest = self.factor ** (self.tries - 1)
        if smallest < LEAST_FACTOR:
            found = f"the last of {self.tries:,} tries would have {smallest:.0e} times the weight"
            yield Problem("tries", f"{found}; expected {LEAST_FACTOR:.0e} times as much or more: fewer tries")


@dataclass
class HeldTrainerConf(TaskTrainerConf):
    """The same, with the network held near others."""

    weight: float = option(1.0, "lambda, weight of the pull to the old network; 0 for none", low=0.0)
    auxiliary_weight: float = option(
        0.0,
        "lambda_a, weight of the same pull to an auxiliary network, which is fine-tuned on the task alone (ANCL); 0 "
        "leaves the auxiliary network out",
        low=0.0,
    )
    auxiliary: AuxiliaryConf = section(AuxiliaryConf, "the auxiliary network")
    search: SearchConf = section(SearchConf, "weights chosen while tasks arrive, on rows of each task alone")
    plane: bool = option(
        False,
        "after the last task also train a copy of the network before it on the rows of all tasks: with the old and the "
        "auxiliary network the third corner of the plane in which a figure shows the accuracy; it changes nothing else",
    )

    def problems(self) -> Iterable[Problem]:
        """A plane has three corners."""
        yield from super().problems()
        if self.plane and not self.auxiliary_weight:
            yield Problem("plane", "needs an auxiliary network as its second corner; expected false, or a weight of it")
        if self.searches and not self.weight:
            yield Problem("search.tries", "lowers weight, which is 0; expected 1, or a weight to begin with")

    @property
    def searches(self) -> bool:
        """Whether weights are lowered until the network learns a task."""
        return self.search.tries > 1

    @property
    def trains_auxiliary(self) -> bool:
        """Whether there is an auxiliary network: something is held near it, or compared to it."""
        return self.auxiliary_weight > 0 or self.searches

    @property
    def _pulls(self) -> bool:
        """Whether anything holds the network."""
        return self.weight > 0 or self.auxiliary_weight > 0

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect without an auxiliary network, or without a search."""
        yield from super().idle_options()
        if not self.trains_auxiliary:
            yield from idle("auxiliary_weight=0", "auxiliary")
        if not self.searches:
            yield from idle("search.tries=1", "search.drop", "search.factor", "search.held_out")

    def idle_without_pull(self, *keys: str) -> Iterable[Idle]:
        """Yield that options have no effect where nothing holds the network."""
        if not self._pulls:
            yield from idle("weight=0 and auxiliary_weight=0", *keys)

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """The first corner of a plane is the network before the last task, and in the first nothing is searched."""
        yield from super().fits(model, dataset)
        if not isinstance(dataset, TasksConf) or dataset.n_tasks > 1:
            return
        if self.plane:
            yield Problem(
                "plane", "its first corner is the network before the last of at least two tasks; expected false"
            )
        if self.searches:
            yield Problem("search.tries", "nothing holds the network in the first task, the only one; expected 1")

    def serves_figures(self) -> tuple[str, ...]:
        """A plane is there to be looked at."""
        return ("plane",) if self.plane else ()

    def optimisers(self) -> dict[str, OptimizerConf]:
        """The network that is kept, and the auxiliary one if there is any."""
        return super().optimisers() | ({"auxiliary": self.auxiliary.optim} if self.trains_auxiliary else {})


@dataclass
class ImportanceTrainerConf(HeldTrainerConf):
    """The same, by weights and their importances."""

    regulariser: ClassVar[str] = "zsl_runner.trainers.continual.regularisers:WeightPull"

    importance_rows: int | None = option(
        None, "rows of a task, drawn at random, that importances are measured on; null: all", low=1
    )
    accumulate: str = option(
        "sum",
        "importances of all tasks so far: sum; average = decay * earlier + (1 - decay) * new, begun with the first "
        "task's; average_from_zero = the same, begun with zero (released); online = decay * earlier + new",
        choices=("sum", "average", "average_from_zero", "online"),
    )
    decay: float = option(1.0, "factor of the earlier importances, unless they are summed", low=0.0, high=1.0)
    outputs: str = option(
        "scenario",
        "classes whose outputs importances are measured by: those training decides among (scenario), or all so far "
        "even with scenario=til (all, released)",
        choices=("scenario", "all"),
    )
    held: str = option(
        "all",
        "weights that are held: all, or those that all tasks share, so that old heads move freely (shared, released)",
        choices=("all", "shared"),
    )

    @property
    def mixes_rows(self) -> bool:
        """Whether importances depend on which rows are in a batch, so that their order must not be that of the data."""
        return False

    def problems(self) -> Iterable[Problem]:
        """A sum has no decay, and an average needs one."""
        yield from super().problems()
        if self.accumulate == "sum" and self.decay != 1:
            yield Problem("decay", "has no effect with accumulate=sum; expected 1")
        if self.accumulate.startswith("average") and self.decay == 1:
            yield Problem("decay", "an average with decay=1 never takes a new importance; expected less, e.g. 0.5")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect without a pull, or without one to the old network."""
        yield from super().idle_options()
        if not self.weight:
            yield from idle("weight=0", "accumulate", "decay")
        yield from self.idle_without_pull("importance_rows", "outputs", "held")
        if self._pulls and self.scenario == "cil":
            yield from idle("scenario=cil, where training decides among all classes so far", "outputs")

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what has no effect where classes have vectors: there are no heads, and all classes so far compete."""
        yield from super().idle_beside(model, dataset)
        if self._pulls and Capability.UNSEEN_LOGITS in model.capabilities:
            yield from idle(f"model {model.name}, which has no heads: tasks share all weights", "held")
            if self.scenario == "auto":
                yield from idle("class vectors, with which training decides among all classes so far", "outputs")
