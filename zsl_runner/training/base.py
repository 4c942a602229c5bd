"""What a training procedure is made of: phases of steps, and the context it works in."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Self, TypeVar

import torch
from torch import Tensor

from zsl_runner.config.quantities import not_measured
from zsl_runner.config.schema import TrainerConf
from zsl_runner.errors import RunError
from zsl_runner.models.base import Model
from zsl_runner.streams import Streams
from zsl_runner.training.optimisers import Optimisers
from zsl_runner.training.runtime import Runtime
from zsl_runner.training.terms import require_one_number


@dataclass
class StepReport:
    """What one step did.

    Attributes:
        terms: named scalar tensors (detached), logged as ``train/<phase>/<term>``.
        real_rows: labelled real rows whose loss was minimised, for equal-budget comparisons.
        batch: the tensors of the step, saved if a term is not finite.
    """

    terms: Mapping[str, Tensor]
    real_rows: int
    batch: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawn:
    """What the first half of a step decided; a subclass names it, see `Step`.

    Fields that are tensors lie on the device and change from step to step, all others tell steps of different kinds
    apart and are hashable. A field may be another `Drawn`, or None where something is left out.
    """

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by field, those of a `Drawn` inside as ``<field>.<its field>``."""
        found = {}
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                found[name] = value
            elif isinstance(value, Drawn):
                found |= {f"{name}.{inner}": tensor for inner, tensor in value.tensors().items()}
        return found

    def mapped(self, function: Callable[[Tensor], Tensor]) -> Self:
        """Return a copy with ``function`` of each tensor in its place."""
        changed: dict[str, Any] = {}
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                changed[name] = function(value)
            elif isinstance(value, Drawn):
                changed[name] = value.mapped(function)
        return replace(self, **changed)

    def parted(self) -> tuple[tuple[Hashable, ...], list[Tensor]]:
        """Return what tells steps of different kinds apart, and the tensors in the order of `tensors`.

        The first are plain values, and shapes of tensors: steps that agree in it are the same operations on other
        numbers.
        """
        kinds: list[Hashable] = []
        found: list[Tensor] = []
        for value in vars(self).values():
            if isinstance(value, Tensor):
                kinds.append((value.shape, value.dtype))
                found.append(value)
            elif isinstance(value, Drawn):
                inner, tensors = value.parted()
                kinds.append(inner)
                found += tensors
            else:
                kinds.append(value)
        return tuple(kinds), found

    @property
    def variant(self) -> tuple[Hashable, ...]:
        """The first half of `parted`."""
        return self.parted()[0]


D = TypeVar("D", bound=Drawn)


@dataclass(frozen=True)
class Step(Generic[D]):
    """A step of two halves: what is drawn, and what is computed.

    The first half runs on the host. It decides positions of rows, coins, values of schedules, and so which variant of
    the step comes next. The second half does the rest. It depends on nothing but tensors, options and what was drawn,
    waits for no value, and what it changes are tensors, updated in place; random numbers that decide nothing it draws
    from streams on the device. So all steps of one variant are the same operations in the same order.

    Attributes:
        draw: the first half.
        compute: the second half.
        finish: called on the host after the second half: it counts, and keeps what figures need. None for nothing.
    """

    draw: Callable[[], D]
    compute: Callable[[D], StepReport]
    finish: Callable[[], None] | None = None

    def __call__(self) -> StepReport:
        """Take the step."""
        report = self.compute(self.draw())
        if self.finish is not None:
            self.finish()
        return report


@dataclass(frozen=True)
class Phase:
    """A stretch of equal steps.

    Attributes:
        name: part of the tags.
        steps: number of steps.
        step: performs one step; a `Step` where it is known what of it is drawn and what is computed.
        begin: called once before the first step (not when a run resumes inside the phase).
        end: called once after the last step, before the validation that follows it.
        on_validation: called with the validation metrics whenever the loop validates within the phase; returns True
            if it put the weights back to those of its best validation so far.
        validate_every: steps between two validations in this phase; None takes the evaluator's cadence.
        validates: whether there are validations in this phase at all; none where what is measured does not change.
        repeats: asked after ``end``: whether what the phase did counts for nothing, so that it is gone through once
            more, from ``begin`` on. It changes nothing, and answers the same until then. None for never.
        whole: whether what follows needs each of its steps, so that ``debug.steps`` does not shorten it.
    """

    name: str
    steps: int
    step: Callable[[], StepReport]
    begin: Callable[[], None] | None = None
    end: Callable[[], None] | None = None
    on_validation: Callable[[Mapping[str, float]], bool] | None = None
    validate_every: int | None = None
    validates: bool = True
    repeats: Callable[[], bool] | None = None
    whole: bool = False


def deciding_value(option: str, metric: str, metrics: Mapping[str, float]) -> float:
    """Return what a validation measured of the metric that an option names.

    Args:
        option: the key of the option, for the message.
        metric: its value.
        metrics: the validation's metrics by tag.

    Raises:
        RunError: the metric is none of those measured.
    """
    if metric not in metrics:
        raise RunError(not_measured(option, [metric], metrics))
    return metrics[metric]


def ended_early(within: str, missed: str, key: str) -> str:
    """Return the warning that a length chosen on validation rows ended training before what it is for.

    Args:
        within: where training ended.
        missed: what was not done.
        key: the option of fewer of which there should be before it.
    """
    return f"{within}: {missed}. Use evaluator.select=last, more patience, or fewer {key}."


def total(terms: Mapping[str, Tensor]) -> Tensor:
    """Return the sum of scalar terms, a scalar.

    Raises:
        RunError: there are none, or one is no tensor of one number.

    >>> total({"kl": torch.tensor(1.0), "margin": torch.tensor(0.5)})
    tensor(1.5000)
    """
    for name, term in terms.items():
        require_one_number(name, term)
    if not terms:
        raise RunError("the loss has no terms; expected one or more, each a tensor of one number")
    return torch.stack([term.reshape(()) for term in terms.values()]).sum()


def detached(terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the terms without the graphs they came from."""
    return {name: term.detach() for name, term in terms.items()}


Data = TypeVar("Data")


@dataclass
class TrainingContext(Generic[Data]):
    """Everything a procedure works on.

    Attributes:
        model: built and on the device.
        data: what training may see, in the view that the model reads; see `zsl_runner.data.views`.
        optimisers: one per parameter group; ``optimisers.minimize(loss, name)``. There are none in a run that is opened
            again.
        runtime: device, precision, compilation.
        streams: random generators.
    """

    model: Model
    data: Data
    optimisers: Optimisers
    runtime: Runtime
    streams: Streams

    def minimize_terms(self, terms: Mapping[str, Tensor], *groups: str) -> dict[str, Tensor]:
        """Take one step of the named groups down the sum of the terms.

        Args:
            terms: named scalars, already weighted.
            groups: parameter groups, see `Optimisers.minimize`.

        Returns:
            The terms detached and, as ``loss``, their sum.
        """
        with self.runtime.autocast():
            loss = total(terms)
        self.optimisers.minimize(loss, *groups)
        return detached(terms) | {"loss": loss.detach()}


class Trainer:
    """Base of all procedures, built as ``Trainer(conf, context)``.

    A subclass annotates ``context`` with the view of data it is for, e.g. ``TrainingContext[ZeroShotTraining]``.
    """

    context: TrainingContext[Any]

    def __init__(self, conf: TrainerConf, context: TrainingContext[Any]) -> None:
        self.context = context

    @abstractmethod
    def phases(self) -> Sequence[Phase]:
        """Return the phases in order; the same list whenever it is called on an equal configuration."""
        raise TypeError(f"{type(self).__name__} declares no phases")

    def shown(self) -> dict[str, Tensor]:
        """Return named tensors for the evaluator's figures and oracle metrics, e.g. an estimated class prior."""
        return {}

    def warnings(self) -> list[str]:
        """Return what a reader of the result must know about how training ended; kept in ``result.json``."""
        return []

    def state_dict(self) -> dict[str, Any]:
        """Return everything beyond weights, optimisers and generators that an exact resume needs.

        Tensors, numbers of Python (``int(x)`` of numpy's), text, None, and lists, tuples and dictionaries of these: a
        checkpoint is loaded without executing anything, and one that could not be loaded is not written.
        """
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
