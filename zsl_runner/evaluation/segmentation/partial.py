"""Labelling of images of which a part is hidden while the labels of the other part are known."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zsl_runner.data.pairs.folds import Pair
from zsl_runner.evaluation.row_draws import RowDraws
from zsl_runner.models.networks import finite
from zsl_runner.models.output_prediction import LatentOutputPredictor, OutputPredictor
from zsl_runner.objectives.omission import block_mask, omit_block


@dataclass(frozen=True)
class PartialLabels:
    """Labels of partly hidden images.

    Attributes:
        x: (B, C, H, W) the images with a hidden square.
        hidden: (B, H, W) bool, the square.
        predicted: (B, H, W) labels predicted from ``x`` alone.
        refined: (B, H, W) labels inferred from ``x`` and the labels outside the square; None if the model cannot.
    """

    x: Tensor
    hidden: Tensor
    predicted: Tensor
    refined: Tensor | None


def label_partly_hidden(
    model: OutputPredictor, pair: Pair, share: float, refinements: int, draws: RowDraws
) -> PartialLabels:
    """Hide a square of each image and label the images, without and with the labels of the rest.

    Args:
        model: in evaluation mode.
        pair: images and their labels; only labels outside the squares are used.
        share: side of the squares as a share of the image's; they have a pixel at least.
        refinements: see `refine`.
        draws: draws the places, uniform among those inside the image.
    """
    height, width = pair.y.shape[1:]
    side = max(1, round(share * min(height, width)))
    drawn = draws.uniform(2, len(pair.y), rows=1)
    tops, lefts = (drawn[0] * (height - side + 1)).floor(), (drawn[1] * (width - side + 1)).floor()
    x, hidden = omit_block(pair.x, side, tops, lefts), block_mask(height, width, side, tops, lefts)
    refined = None
    predicted = finite("predictions of partly hidden images", model.predict(model.condition(x))).argmax(-3)
    if isinstance(model, LatentOutputPredictor) and model.recognises:
        refined = refine(model, Pair(x, pair.y, pair.valid), hidden, predicted, refinements)
    return PartialLabels(x, hidden, predicted, refined)


def refine(model: LatentOutputPredictor, pair: Pair, hidden: Tensor, labels: Tensor, times: int) -> Tensor:
    r"""Infer the code and the unknown labels from each other.

    With known labels y_o and unknown ones y_u, in turn

    .. math:: z \leftarrow E_{q(z | x, y_o, y_u)}[z], \qquad y_u \leftarrow \arg\max p(y_u | x, z)

    Args:
        model: in evaluation mode.
        pair: (partly hidden) images and their labels, which are used outside ``hidden`` only.
        hidden: (B, H, W) bool, where labels are unknown.
        labels: (B, H, W) the first y_u.
        times: how often.

    Returns:
        (B, H, W) labels: y_u where hidden, the known ones elsewhere.

    Source: Sohn et al. 2015, section 5.2.3 (prediction with partial observations).
    """
    condition = model.condition(pair.x)
    given = None if pair.valid is None else pair.valid | hidden
    completed = torch.where(hidden, labels, pair.y)
    for _ in range(times):
        codes = model.posterior(pair.x, completed, given).mean
        predicted = finite("predictions from partial labels", model.generate(condition, codes))
        completed = torch.where(hidden, predicted.argmax(-3), pair.y)
    return completed
