"""What the run asks of an evaluator."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from zsl_runner.config.schema import EvaluatorConf
from zsl_runner.data.stages import Evaluation, Fold, Training
from zsl_runner.errors import ConfigError, NonFiniteError, RunError
from zsl_runner.evaluation.image_outputs import Codes, LabelMaps, Samples
from zsl_runner.evaluation.predictions import Predictions
from zsl_runner.models.base import Model

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Points:
    """Labelled points for TensorBoard's projector.

    Attributes:
        name: name of the set of points.
        values: (n, d).
        columns: for each label column n labels.
    """

    name: str
    values: NDArray[np.floating[Any]]
    columns: Mapping[str, Sequence[str]]


Draw = Callable[[], "Figure | Sequence[Figure]"]


@dataclass(frozen=True)
class Table:
    """Numbers with names for lines and columns, for `result.json`.

    Attributes:
        rows: names of the lines.
        columns: names of the columns.
        values: a line for each; None where nothing is defined.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]

    def plain(self) -> dict[str, list[Any]]:
        """Return the table in lists, as it is recorded."""
        return {"rows": list(self.rows), "columns": list(self.columns), "values": [list(line) for line in self.values]}


Details = TypeVar("Details")


@dataclass(frozen=True)
class Measurement(Generic[Details]):
    """What an evaluator measured on one evaluation set.

    Attributes:
        metrics: values by tag, e.g. ``val/H``; per cent unless the evaluator's ``quantities`` say otherwise.
        choices: decisions made on this set that a later measurement may take over, e.g. a calibration offset.
        details: whatever the evaluator's own figures need; left out by an evaluator whose details are None.
        undefined: why the data leave a metric undefined, by its tag. It is recorded as null, with a warning.
        tables: what is more than single numbers, by name; the result keeps those of the test rows.
        notes: what else a reader must know before trusting the metrics, in sentences; kept are those of the test rows.

    Raises:
        NonFiniteError: a metric or a choice is NaN or infinite and not among the undefined ones.
        RunError: one is no number.
    """

    metrics: Mapping[str, float]
    choices: Mapping[str, float] = field(default_factory=dict)
    details: Details = cast(Any, None)  # a type parameter has no default of its own
    undefined: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("metrics", "choices"):
            object.__setattr__(self, name, {tag: _number(tag, value) for tag, value in getattr(self, name).items()})
        require_finite_metrics({**self.choices, **self.metrics}, self.undefined)

    def warnings(self) -> list[str]:
        """Return a sentence on the metrics that are undefined for each reason, and the notes."""
        found = []
        for reason in dict.fromkeys(self.undefined.values()):
            tags = [tag for tag in self.undefined if self.undefined[tag] == reason]
            is_one = len(tags) == 1
            found.append(
                f"{', '.join(tags)} {'is' if is_one else 'are'} undefined: {reason}; "
                f"{'it is' if is_one else 'they are'} null in the record"
            )
        return [*found, *self.notes]

    def undefined_in_words(self, tag: str) -> str:
        """Return why a metric is undefined."""
        return f"{tag} is undefined: {self.undefined[tag]}"


def _number(tag: str, value: Any) -> float:
    """Return a value as a number of Python, which records and checkpoints keep; a tensor of one number becomes one."""
    if type(value) in (int, float):
        return cast(float, value)
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"{tag}: expected a number, found a {type(value).__name__}: {error}") from error


def require_finite_metrics(metrics: Mapping[str, float], undefined: Iterable[str] = ()) -> None:
    """Refuse metrics that are NaN or infinite.

    Args:
        metrics: values by tag.
        undefined: tags that may be.

    Raises:
        NonFiniteError: naming them.
    """
    bad = {tag: value for tag, value in metrics.items() if not math.isfinite(value) and tag not in undefined}
    if bad:
        raise NonFiniteError(
            f"expected finite metrics, found {', '.join(f'{tag}={value}' for tag, value in bad.items())}; "
            "the model has diverged (lower its learning rate, clip gradients, scale the data), or there are too few "
            "rows for them"
        )


class Evaluator(Generic[Training, Evaluation, Details]):
    """Base of all evaluators, built as ``Evaluator(conf, seed)``.

    Its types are those of the training set and the evaluation set that it reads, and of the details it keeps of a
    measurement for its figures, None if it keeps none.

    Args:
        conf: the evaluator's options.
        seed: the run's seed. What a measurement draws comes from generators made afresh from it each time, so that
            measuring twice gives the same metrics and moves no stream of training.

    Attributes:
        measures_more_later: whether later validations of a training may have metrics that its first one has not. A
            search whose objective an evaluator does not measure ends at the first validation where this is false.
    """

    measures_more_later: ClassVar[bool] = False

    def __init__(self, conf: EvaluatorConf, seed: int) -> None:
        self.conf = conf
        self.seed = seed

    @abstractmethod
    def measure(
        self, model: Model, fold: Fold[Training, Evaluation], choices: Mapping[str, float]
    ) -> Measurement[Details]:
        """Measure ``model`` on the fold's evaluation set, leaving its mode and every random stream as they were.

        Args:
            model: the trained model.
            fold: a fold of the kind of data the evaluator is for: what the model was trained on, for evaluators that
                fit a classifier themselves, and the rows to score; the name of the evaluation set prefixes the tags.
            choices: decisions made on validation data, empty if there are none.
        """
        raise TypeError(f"{type(self).__name__} measures nothing")

    def slow(self, fold: Fold[Training, Evaluation]) -> str:
        """Return in a sentence which of its options makes measurements on a fold needlessly slow; empty if none."""
        return ""

    def predictions(self, data: Evaluation, measurement: Measurement[Details]) -> Iterable[Predictions]:
        """Return the class that each measured row was assigned to, a group of rows after the other, or blocks of them.

        Args:
            data: the evaluation set that was measured.
            measurement: the measurement on it.

        Raises:
            ConfigError: the evaluator assigns no rows to classes.
        """
        raise self._assigns_nothing()

    def predict(
        self,
        model: Model,
        fold: Fold[Training, Evaluation],
        rows: ArrayLike | Tensor,
        choices: Mapping[str, float],
    ) -> Iterable[Predictions]:
        """Assign rows that are none of the data set's to the stage's classes, as measured rows are, in blocks.

        Args:
            model: the trained model.
            fold: see `measure`.
            rows: (n, D) numbers in the scale of the data set.
            choices: see `measure`.

        Raises:
            ConfigError: the evaluator assigns no rows to classes.
            DataError: these rows do not fit.
        """
        raise self._assigns_nothing()

    def label_maps(
        self, model: Model, fold: Fold[Training, Evaluation], choices: Mapping[str, float], *, of_training: bool = False
    ) -> Iterable[LabelMaps]:
        """Return the class of each pixel of images, in blocks.

        Args:
            model: the trained model.
            fold: see `measure`.
            choices: see `measure`.
            of_training: those of the training images, with all that training was told of them, in place of the rows to
                evaluate on.

        Raises:
            ConfigError: the evaluator finds no classes of pixels, or not of training images.
        """
        raise ConfigError(
            f"evaluator {self.conf.name} finds no classes of pixels, so there are no masks; those of images with "
            "masks or tags do"
        )

    def codes(self, model: Model, data: Evaluation, *, of_training: bool = False) -> Codes:
        """Return the codes of images.

        Args:
            model: the trained model.
            data: the evaluation set.
            of_training: those of the training images, in place of the rows to evaluate on.

        Raises:
            ConfigError: the evaluator knows of no codes of images.
        """
        raise ConfigError(f"evaluator {self.conf.name} knows of no codes of images; those of autoencoders do")

    def samples(self, model: Model, data: Evaluation, per_class: int, generator: torch.Generator) -> Iterator[Samples]:
        """Return images that the model makes of codes drawn from its prior, in blocks; classes follow one another.

        Args:
            model: the trained model.
            data: the evaluation set, whose images say how large one is.
            per_class: images of each class, or in all if the model is told no classes; 1 or more.
            generator: draws the codes.

        Raises:
            ConfigError: the model makes no images.
        """
        raise ConfigError(
            f"evaluator {self.conf.name} knows of no images that the model makes of drawn codes; those of autoencoders "
            "of images do"
        )

    def _assigns_nothing(self) -> ConfigError:
        return ConfigError(
            f"evaluator {self.conf.name} measures a model without assigning rows to classes, so there are no "
            "predictions; what it measures are the run's metrics"
        )

    def diagnose(self, data: Evaluation, shown: Mapping[str, Tensor]) -> dict[str, float]:
        """Return metrics that compare what a trainer shows with the labels of ``data``, by name without a prefix.

        The run logs them as ``val/<name>`` in the tune stage and as ``oracle/<name>``, on request only, on test rows.
        """
        return {}

    def oracle(self, measurement: Measurement[Details]) -> dict[str, float]:
        """Return ``oracle/*`` metrics that look at the labels of a test measurement, beside the measurement's own."""
        return {}

    def figures(
        self, model: Model, data: Evaluation, measurement: Measurement[Details], shown: Mapping[str, Tensor]
    ) -> Iterable[tuple[str, Draw]]:
        """Yield (name, what draws it) for the end of a run; ``shown`` is what the trainer has to show."""
        return ()

    def points(self, model: Model, data: Evaluation) -> Iterable[Points]:
        """Yield sets of points for TensorBoard's projector."""
        return ()


AnyEvaluator = Evaluator[Any, Any, Any]
"""An evaluator of whatever kind of data: what runs hand folds and measurements on to without looking inside."""


def measured(
    evaluator: Evaluator[Training, Evaluation, Details],
    stage: str,
    model: Model,
    fold: Fold[Training, Evaluation],
    choices: Mapping[str, float] | None = None,
) -> Measurement[Details]:
    """Let an evaluator measure; what it refuses is told with the stage, the model and the rows.

    Args:
        evaluator: the evaluator.
        stage: name of the stage.
        model: the trained model.
        fold: see `Evaluator.measure`.
        choices: decisions made on validation data, if there are any.

    Raises:
        NonFiniteError: scores, codes, weights or metrics are NaN or infinite.
        RunError: what is returned is no measurement.
    """
    try:
        found: object = evaluator.measure(model, fold, choices or {})
    except NonFiniteError as error:
        where = f"stage {stage}, {type(model).__name__} on the {fold.evaluation.name} rows"
        raise NonFiniteError(f"{where}: {error}") from error
    if not isinstance(found, Measurement):
        raise RunError(f"{type(evaluator).__name__}.measure returned a {type(found).__name__}, expected a Measurement")
    return found
