"""Negative conditional log-likelihood and error of point predictions of structured outputs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from zsl_runner.data.pairs.folds import Pair, PairEvaluationSet, PairFold, PairTrainingSet
from zsl_runner.data.views import LabelLayout
from zsl_runner.evaluation.base import Draw, Evaluator, Measurement
from zsl_runner.evaluation.image_outputs import Samples
from zsl_runner.evaluation.likelihood.conf import LikelihoodEvaluatorConf
from zsl_runner.evaluation.likelihood.estimates import (
    RowEstimates,
    drawn_codes,
    drawn_outputs,
    estimate_rows,
    outputs_of,
)
from zsl_runner.evaluation.likelihood.figures import likelihood_figures
from zsl_runner.evaluation.row_draws import RowDraws, blocks_with_draws
from zsl_runner.models.base import Model
from zsl_runner.models.networks import evaluating, finite
from zsl_runner.models.output_prediction import Condition, LatentOutputPredictor, OutputPredictor, draws_codes
from zsl_runner.objectives.conditional_likelihood import log_mean_exp
from zsl_runner.streams import Streams, derived_seed


class MeanOfSome(NamedTuple):
    """Mean of a metric over those rows of a block that count.

    Attributes:
        mean: () NaN if none counts.
        rows: () int64 how many count.
    """

    mean: Tensor
    rows: Tensor


class LikelihoodEvaluator(Evaluator[PairTrainingSet, PairEvaluationSet, RowEstimates | None]):
    """Metrics by name: ``NCLL`` and its estimates in nats a row, their standard errors, errors in per cent.

    A subclass adds metrics of its own kind of outputs in `output_metrics`.

    Args:
        conf: the evaluator's options.
        seed: the run's seed.

    Attributes:
        drawn: rows that numbers are drawn for at a time, and most that are scored at a time: the metrics of a model do
            not depend on ``batch_size``.
    """

    conf: LikelihoodEvaluatorConf
    drawn: ClassVar[int] = 500

    def measure(self, model: Model, fold: PairFold, choices: Mapping[str, float]) -> Measurement[RowEstimates | None]:
        """Return the metrics of the evaluation set under the tags ``val/...`` or ``test/...``.

        A validation draws fewer codes and predicts only with the code at its mean.
        """
        if not isinstance(model, OutputPredictor):
            raise TypeError(f"{type(model).__name__} predicts no outputs")
        data = fold.evaluation
        whole = data.name == "test"
        streams = Streams(derived_seed(self.seed, "likelihood"), data.pairs.device)
        likelihoods: dict[str, list[Tensor]] = {}
        blocks: list[RowEstimates] = []
        sums: dict[str, Tensor] = {}
        counted: dict[str, Tensor] = {}
        with evaluating(model), torch.no_grad():
            generators = streams["codes"], streams["predictions"]
            blocks_of_rows = blocks_with_draws(len(data.pairs), self.conf.batch_size, self.drawn, generators)
            for positions, (codes, predictions) in blocks_of_rows:
                pair = data.pairs.take(positions)
                condition = model.condition(pair.x)
                if draws_codes(model):
                    estimates = self._estimates(model, pair, condition, whole, codes)
                    blocks.append(estimates)
                    found = _log_likelihoods(estimates)
                else:
                    found = {"NCLL": model.log_likelihood(model.predict(condition), pair.y, pair.valid)}
                for name, values in found.items():
                    likelihoods.setdefault(name, []).append(values)
                of_block = self.output_metrics(model, pair, condition, whole, predictions)
                for name, mean in of_block.items():
                    value, count = mean if isinstance(mean, MeanOfSome) else (mean, len(positions))
                    known = ~value.isnan()
                    sums[name] = sums.get(name, 0) + torch.where(known, value, 0) * count
                    counted[name] = counted.get(name, 0) + known.long() * count
        metrics = {}
        for name, parts in likelihoods.items():
            values = finite(f"{name} of rows", torch.cat(parts).double())
            metrics[name] = -float(values.mean())
            if whole:
                metrics[f"{name}_se"] = float(values.std(correction=1) / len(values) ** 0.5) if len(values) > 1 else 0.0
        rows = {name: int(count) for name, count in counted.items()}
        metrics |= {name: float(total) / rows[name] if rows[name] else math.nan for name, total in sums.items()}
        details = _joined(blocks) if blocks else None
        undefined = {f"{data.name}/{name}": "no row has a valid entry for it" for name, n in rows.items() if not n}
        return Measurement({f"{data.name}/{name}": value for name, value in metrics.items()}, {}, details, undefined)

    def output_metrics(
        self, model: OutputPredictor, pair: Pair, condition: Condition, whole: bool, draws: RowDraws
    ) -> dict[str, Tensor | MeanOfSome]:
        """Return means over a block of rows, of point predictions and drawn ones; NaN where no row counts.

        Where only some of the rows count it is a `MeanOfSome`.

        Here for outputs in [0, 1]: ``pixel_error``, the share of entries on the wrong side of a half, in per cent;
        ``pixel_error_averaged``, of probabilities averaged over codes; ``diversity``, the mean absolute difference of
        two predictions drawn for one row.

        Args:
            model: in evaluation mode.
            pair: the rows.
            condition: what the model has computed from their inputs.
            whole: whether drawn predictions are wanted too.
            draws: draws them.
        """
        right = pair.y >= 0.5
        predicted = model.mean_output(finite("predictions", model.predict(condition))) >= 0.5
        metrics: dict[str, Tensor | MeanOfSome] = {"pixel_error": 100 * (predicted != right).float().mean()}
        if whole and draws_codes(model):
            drawn = drawn_outputs(model, condition, self.conf.drawn_samples, draws)
            metrics["pixel_error_averaged"] = 100 * ((drawn.mean(0) >= 0.5) != right).float().mean()
            metrics["diversity"] = 255 * mean_difference(drawn)
        return metrics

    def samples(
        self, model: Model, data: PairEvaluationSet, per_class: int, generator: torch.Generator
    ) -> Iterator[Samples]:
        """Yield mean images of drawn codes where labels are the inputs; a model without codes has one for each."""
        layout = data.layout
        if not isinstance(layout, LabelLayout):
            yield from super().samples(model, data, per_class, generator)
            return
        assert isinstance(model, OutputPredictor)
        shape = layout.shape.channels, layout.shape.height, layout.shape.width
        for label, x in enumerate(layout.labels().to(data.pairs.device)):
            with evaluating(model), torch.no_grad():
                for made in self._samples(model, model.condition(x[None]), per_class, generator):
                    yield Samples(label, made.reshape(len(made), *shape))

    def _samples(
        self, model: OutputPredictor, condition: Condition, count: int, generator: torch.Generator
    ) -> Iterator[Tensor]:
        """Yield (n, D) mean outputs for one input, ``count`` in all; the numbers do not depend on the batch size."""
        if not draws_codes(model):
            predicted = finite("predictions", model.predict(condition))
            yield model.mean_output(predicted).expand(count, -1)
            return
        for codes in torch.split(drawn_codes(model, condition, count, RowDraws(generator)), self.conf.batch_size):
            yield outputs_of(model, condition, codes)[:, 0]

    def figures(
        self,
        model: Model,
        data: PairEvaluationSet,
        measurement: Measurement[RowEstimates | None],
        shown: Mapping[str, Tensor],
    ) -> Iterator[tuple[str, Draw]]:
        """Yield completed or drawn pictures, the progress of training, and NCLL against the number of codes."""
        assert isinstance(model, OutputPredictor)
        yield from likelihood_figures(model, data, measurement.details, shown, self.conf, self.seed)

    def _estimates(
        self, model: LatentOutputPredictor, pair: Pair, condition: Condition, whole: bool, draws: RowDraws
    ) -> RowEstimates:
        wanted = frozenset(self.conf.estimators)
        if not model.recognises:
            wanted = frozenset({"mc"})
        samples = self.conf.samples if whole else self.conf.validation_samples
        return estimate_rows(model, pair, condition, wanted, samples, self.conf.sample_batch, draws)


def mean_difference(drawn: Tensor) -> Tensor:
    r"""Return the mean absolute difference of two of S predictions for one row, over entries, rows and pairs.

    Of a sorted list of values $v_{(1)} \le \dots \le v_{(S)}$ the sum over pairs is $\sum_s (2s - S - 1) v_{(s)}$, so
    no pair is formed.

    Args:
        drawn: (S, B, ...), S >= 2.

    >>> mean_difference(torch.tensor([[0.0], [1.0], [3.0]]))
    tensor(2.)
    """
    count = len(drawn)
    ordered = drawn.sort(0).values
    factors = torch.arange(1 - count, count, 2, dtype=drawn.dtype, device=drawn.device)
    differences: Tensor = torch.tensordot(factors, ordered, dims=1)
    return differences.mean() / (count * (count - 1) / 2)


def _log_likelihoods(estimates: RowEstimates) -> dict[str, Tensor]:
    """Return the (B,) estimates of log p(y | x) by the name of their negative."""
    found: dict[str, Tensor] = {}
    if estimates.bound is not None:
        found["NCLL_ELBO"] = estimates.bound
    if estimates.monte_carlo is not None:
        found["NCLL_MC"] = log_mean_exp(estimates.monte_carlo)
    if estimates.importance is not None:
        found["NCLL_IS"] = log_mean_exp(estimates.importance)
    return {"NCLL": found.get("NCLL_IS", found.get("NCLL_MC", next(iter(found.values())))), **found}


def _joined(blocks: list[RowEstimates]) -> RowEstimates:
    def join(name: str, axis: int) -> Tensor | None:
        parts: list[Any] = [getattr(block, name) for block in blocks]
        return None if parts[0] is None else torch.cat(parts, axis)

    return RowEstimates(join("bound", 0), join("monte_carlo", 1), join("importance", 1))
