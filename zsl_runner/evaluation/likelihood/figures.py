"""Which figures the likelihood protocol draws at the end of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from zsl_runner.data.pairs.completion.folds import CompletionLayout
from zsl_runner.data.pairs.folds import PairEvaluationSet
from zsl_runner.data.views import LabelLayout
from zsl_runner.evaluation.base import Draw
from zsl_runner.evaluation.likelihood.conf import LikelihoodEvaluatorConf
from zsl_runner.evaluation.likelihood.estimates import RowEstimates, drawn_outputs
from zsl_runner.evaluation.row_draws import RowDraws
from zsl_runner.models.networks import evaluating
from zsl_runner.models.output_prediction import OutputPredictor, draws_codes
from zsl_runner.objectives.conditional_likelihood import log_mean_exp
from zsl_runner.objectives.gaussian import reparameterise
from zsl_runner.streams import Streams, derived_seed

COLUMNS = 10
EPOCH = "epoch_"


def likelihood_figures(
    model: OutputPredictor,
    data: PairEvaluationSet,
    estimates: RowEstimates | None,
    shown: Mapping[str, Tensor],
    conf: LikelihoodEvaluatorConf,
    seed: int,
) -> Iterator[tuple[str, Draw]]:
    """Yield (name, what draws it).

    Args:
        model: the trained model.
        data: the evaluated rows.
        estimates: of their likelihood; None for a deterministic model.
        shown: what the trainer has to show.
        conf: the evaluator's options.
        seed: the run's seed.
    """
    from zsl_runner.tracking.figures.likelihood_curve import likelihood_curve
    from zsl_runner.tracking.figures.sheets import picture_sheet

    layout = data.layout
    if isinstance(layout, CompletionLayout):
        rows = completion_rows(model, data, layout, conf.drawn_samples, seed)
        yield "completions", lambda: picture_sheet(rows, "Observed quadrants and predictions of the others")
        yield from _strip(shown, layout.picture)
    if isinstance(layout, LabelLayout):
        sheet = label_rows(model, layout, data.pairs.device, conf.drawn_samples, seed)
        yield "classes", lambda: picture_sheet(sheet, "One class in each column; one code in each line")
        yield from _strip(shown, lambda x, y: layout.picture(y))
    if estimates is not None:
        curves = {}
        for label, weights in (("Monte Carlo", estimates.monte_carlo), ("importance sampling", estimates.importance)):
            if weights is not None:
                counts = sorted({count for count in conf.curve if count <= len(weights)} | {len(weights)})
                curves[label] = [(count, -float(log_mean_exp(weights[:count]).mean())) for count in counts]
        bound = None if estimates.bound is None else -float(estimates.bound.mean())
        yield "likelihood_curve", lambda: likelihood_curve(curves, bound)


def completion_rows(
    model: OutputPredictor, data: PairEvaluationSet, layout: CompletionLayout, samples: int, seed: int
) -> dict[str, Tensor]:
    """Return (n, H, W) pictures by the name of their row: input, truth, point prediction, drawn predictions."""
    positions = torch.arange(min(COLUMNS, len(data.pairs)), device=data.pairs.device)
    pair = data.pairs.take(positions)
    rows = {"observed": layout.picture(pair.x), "truth": layout.picture(pair.x, pair.y)}
    with evaluating(model), torch.no_grad():
        condition = model.condition(pair.x)
        rows["prediction"] = layout.picture(pair.x, model.mean_output(model.predict(condition)))
        if draws_codes(model):
            generator = Streams(derived_seed(seed, "figures"), data.pairs.device)["predictions"]
            for number, drawn in enumerate(drawn_outputs(model, condition, samples, RowDraws(generator)), 1):
                rows[f"sample {number}"] = layout.picture(pair.x, drawn)
    return rows


def label_rows(
    model: OutputPredictor, layout: LabelLayout, device: torch.device, samples: int, seed: int
) -> dict[str, Tensor]:
    """Return (K, H, W) pictures of the first ten classes by the name of their row: mean code, and drawn codes.

    A row has one code for all its classes, as noise of the prior: what it changes is what the label leaves open.
    """
    with evaluating(model), torch.no_grad():
        condition = model.condition(layout.labels()[:COLUMNS].to(device))
        rows = {"prediction": layout.picture(model.mean_output(model.predict(condition)))}
        if draws_codes(model):
            prior = model.prior(condition)
            generator = Streams(derived_seed(seed, "figures"), device)["predictions"]
            noise = torch.randn(samples, 1, prior.mean.shape[1], generator=generator, device=device)
            codes = reparameterise(prior.mean, prior.log_var, noise.expand(-1, len(condition.x), -1))
            for number, drawn in enumerate(model.mean_output(model.generate(condition, codes)), 1):
                rows[f"code {number}"] = layout.picture(drawn)
    return rows


def _strip(shown: Mapping[str, Tensor], picture: Callable[[Tensor, Tensor], Tensor]) -> Iterator[tuple[str, Draw]]:
    """Yield the sheet of one prediction of some training rows after each of some epochs."""
    from zsl_runner.tracking.figures.sheets import picture_sheet

    epochs = sorted(int(name.removeprefix(EPOCH)) for name in shown if name.startswith(EPOCH))
    if epochs:
        x, y = shown["snapshot_x"], shown["snapshot_y"]
        strip = {"truth": picture(x, y)}
        strip |= {f"epoch {epoch}": picture(x, shown[f"{EPOCH}{epoch}"]) for epoch in epochs}
        yield "training_strip", lambda: picture_sheet(strip, "One prediction for each training image")
