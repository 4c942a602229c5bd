"""ESZSL (Romera-Paredes and Torr, ICML 2015): one bilinear map in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.data.zero_shot.scaling import FIT_BLOCK
from zsl_runner.errors import RunError
from zsl_runner.models.base import ClosedForm
from zsl_runner.models.eszsl.conf import ESZSLConf
from zsl_runner.objectives.ridge import bilinear_map, is_lost, label_cross, moments
from zsl_runner.streams import Streams

if TYPE_CHECKING:
    from zsl_runner.data.zero_shot.folds import ZeroShotTraining


class ESZSL(ClosedForm):
    """Score x V a with V fitted to label 1 for the own class and 0 or -1 for every other class with rows.

    Args:
        conf: labels and the two penalties.
        shape: widths of features and class vectors.
        streams: not drawn from.
    """

    map: Tensor

    def __init__(self, conf: ESZSLConf, shape: ZeroShotShape, streams: Streams) -> None:
        super().__init__()
        self.conf = conf
        self.register_buffer("map", torch.zeros(shape.features, shape.class_vector))

    @torch.no_grad()
    def fit(self, data: ZeroShotTraining) -> dict[str, Tensor]:
        """Fit the map; ``squared_error`` is the mean over rows and classes with rows of (x V a - y)^2.

        Raises:
            RunError: a penalty is too small for double precision, or too large for single precision.
        """
        vectors = data.class_vectors
        sums = moments((x, vectors[data.labels[rows]]) for rows, x in data.features.blocks(FIT_BLOCK))
        with_rows = vectors[data.labelled_classes].double()
        negative = -1.0 if self.conf.labels == "signed" else 0.0
        cross = label_cross(sums.cross, sums.total, with_rows, negative=negative)
        conf = self.conf
        try:
            fitted = bilinear_map(
                sums.gram, cross, with_rows, feature_penalty=conf.feature_penalty, class_penalty=conf.class_penalty
            )
        except ValueError as error:
            raise RunError(
                f"model.feature_penalty={conf.feature_penalty:g} or model.class_penalty={conf.class_penalty:g} is lost "
                "beside the sums that it is added to, which have no inverse of their own: make it larger"
            ) from error
        if is_lost(fitted, cross, self.map.dtype):
            raise RunError(
                f"model.feature_penalty={conf.feature_penalty:g} and model.class_penalty={conf.class_penalty:g} leave "
                "a map that single precision rounds to 0: make the larger one smaller"
            )
        self.map.copy_(fitted)
        scores = fitted @ with_rows.T
        squares = (scores * (sums.gram @ scores)).sum() - 2 * (fitted * cross).sum()
        target_square = sums.rows * (1 + (len(with_rows) - 1) * negative**2)
        return {"squared_error": (squares + target_square) / (sums.rows * len(with_rows))}

    def class_scores(self, x: Tensor, class_vectors: Tensor) -> Tensor:
        """Return the compatibilities x V a."""
        scores: Tensor = x @ (self.map @ class_vectors.T)
        return scores
