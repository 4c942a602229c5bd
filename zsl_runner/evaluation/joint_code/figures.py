"""Which figures the evaluator for joint codes draws at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from zsl_runner.data.images.folds import ImageEvaluationSet
from zsl_runner.evaluation.base import Draw
from zsl_runner.evaluation.cluster_mapping import UNMAPPED
from zsl_runner.evaluation.joint_code.encoding import Encoding
from zsl_runner.models.joint_code import JointCodeModel, categories_by_style, normal_quantiles, traversals
from zsl_runner.models.networks import evaluating
from zsl_runner.streams import Streams, derived_seed

COLUMNS: Final = 10
SAMPLES: Final = 8
RECONSTRUCTIONS: Final = 4
EPOCH: Final = "epoch_"


@dataclass(frozen=True)
class JointCodeDetails:
    """What the figures need.

    Attributes:
        encoding: of the measured images.
        counts: (K, C) measured images of each category and class; None if the images have no classes.
        mapping: (K,) the class of each category, one to one, fitted on training images; None likewise.
    """

    encoding: Encoding
    counts: Tensor | None
    mapping: Tensor | None


def joint_code_figures(
    seed: int, model: JointCodeModel, data: ImageEvaluationSet, details: JointCodeDetails, shown: Mapping[str, Tensor]
) -> Iterator[tuple[str, Draw]]:
    """Yield (name, what draws it).

    Args:
        seed: of the draws from the prior.
        model: the trained model.
        data: the measured images.
        details: what the evaluator keeps of its measurement on them.
        shown: what the trainer has to show.
    """
    from zsl_runner.tracking.figures.joint_code import capacity_curve, category_classes, latent_divergences
    from zsl_runner.tracking.figures.sheets import mosaic

    found, mapping = details.encoding, details.mapping
    device = data.rows.images.device
    quantiles = [f"{value:+.2f}" for value in normal_quantiles(COLUMNS).tolist()]
    with evaluating(model), torch.no_grad():
        count = COLUMNS if model.continuous else max(model.categories)
        sheet = _decoded(model, traversals(model.continuous, model.categories, count, device))
        names = [f"z{place}  {float(kl):.2f}" for place, kl in enumerate(found.continuous_kl, 1)]
        names += [
            f"c{place}  {float(kl):.2f}{_shown_of(categories, count)}"
            for place, (kl, categories) in enumerate(zip(found.discrete_kl, model.categories, strict=True), 1)
        ]
        columns = quantiles if model.continuous else list(map(str, range(count)))
        yield "traversals", lambda: mosaic(sheet, "One variable at a time; its divergence in nats", names, columns)
        if model.continuous and model.categories:
            style = int(found.continuous_kl.argmax())
            codes = categories_by_style(model.continuous, model.categories, style, COLUMNS, device)
            order, lines = _category_lines(mapping, data.class_names, model.categories)
            grid = _decoded(model, codes[order])
            heading = f"Categories (lines) along z{style + 1}, the variable of the largest divergence"
            yield "categories_by_style", lambda: mosaic(grid, heading, lines, quantiles)
        drawn = model.prior_code(SAMPLES**2, Streams(derived_seed(seed, "figures"), device)["prior"])
        samples = _decoded(model, drawn.reshape(SAMPLES, SAMPLES, -1))
        yield "samples", lambda: mosaic(samples, "Draws from the prior")
        pairs = _reconstructions(model, data)
        halves = ["image", "decoded"] * (len(pairs) // 2)
        yield (
            "reconstructions",
            lambda: mosaic(pairs, "Images and what is decoded from the modes of their codes", halves),
        )
    if details.counts is not None and mapping is not None and len(model.categories) == 1:
        counts, mapped = details.counts.cpu().numpy(), mapping.cpu().numpy()
        yield "categories_and_classes", lambda: category_classes(counts, data.class_names, mapped)
    divergences = {f"z{place}": float(kl) for place, kl in enumerate(found.continuous_kl, 1)}
    divergences |= {f"c{place}": float(kl) for place, kl in enumerate(found.discrete_kl, 1)}
    yield "latent_divergences", lambda: latent_divergences(divergences, model.continuous)
    epochs = sorted(int(name.removeprefix(EPOCH)) for name in shown if name.startswith(EPOCH))
    if epochs:
        sheets = {epoch: shown[f"{EPOCH}{epoch}"] / 255 for epoch in epochs}
        bare = [name.partition(" ")[0] for name in names]
        strip = torch.stack([each[-1] for each in sheets.values()])
        titles = [f"epoch {epoch}" for epoch in epochs]
        yield "training_strip", lambda: mosaic(strip, f"{bare[-1]} alone moves, while the model learns", titles)
        yield (
            "traversals_in_training",
            lambda: [mosaic(each, f"One variable at a time, epoch {epoch}", bare) for epoch, each in sheets.items()],
        )
    if "capacity_history" in shown:
        history = shown["capacity_history"].cpu().numpy()
        yield "capacity", lambda: capacity_curve(history)


def _shown_of(categories: int, columns: int) -> str:
    """Return how many of a variable's categories a line shows, if these are not its columns."""
    if categories == columns:
        return ""
    return f"  {columns} of {categories}" if categories > columns else f"  {categories}, again"


def _decoded(model: JointCodeModel, codes: Tensor) -> Tensor:
    """Return (lines, columns, C, H, W) grey values for codes (lines, columns, width)."""
    logits = model.decode(codes.flatten(0, 1))
    return logits.sigmoid().reshape(*codes.shape[:2], *logits.shape[1:])


def _reconstructions(model: JointCodeModel, data: ImageEvaluationSet) -> Tensor:
    """Return lines of images, each above the line of what is decoded from their codes."""
    count = min(RECONSTRUCTIONS * COLUMNS, len(data.rows))
    lines = max(1, count // COLUMNS)
    x = data.rows.images.take(torch.arange(min(count, lines * COLUMNS), device=data.rows.images.device))
    decoded = model.decode(model.posterior(x).mode()).sigmoid()
    both = torch.stack([part.reshape(lines, -1, *x.shape[1:]) for part in (x, decoded)], dim=1)
    return both.flatten(0, 1)


def _category_lines(
    mapping: Tensor | None, class_names: tuple[str, ...], categories: tuple[int, ...]
) -> tuple[Tensor, list[str]]:
    """Return the categories in the order of the classes they stand for, and what stands beside each line."""
    if mapping is None or len(categories) > 1:
        return torch.arange(categories[0]), [f"category {place}" for place in range(categories[0])]
    order = torch.where(mapping == UNMAPPED, len(class_names), mapping).argsort(stable=True)
    names = [class_names[int(mapping[place])] if mapping[place] != UNMAPPED else "none" for place in order]
    return order, [f"{name} ({int(place)})" for name, place in zip(names, order, strict=True)]
