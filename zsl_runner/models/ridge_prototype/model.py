"""Ridge regression between class vectors and features in closed form, then the nearest prototype."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.data.zero_shot.scaling import FIT_BLOCK
from zsl_runner.errors import RunError
from zsl_runner.models.base import ClosedForm
from zsl_runner.models.ridge_prototype.conf import RidgePrototypeConf
from zsl_runner.objectives.gaussian import squared_distances
from zsl_runner.objectives.normalisation import l2_normalised
from zsl_runner.objectives.ridge import (
    Moments,
    centred,
    class_means,
    is_lost,
    moments,
    penalised_solve,
    residual_square,
)
from zsl_runner.streams import Streams

if TYPE_CHECKING:
    from zsl_runner.data.zero_shot.folds import ZeroShotTraining

_SAME = 1e-5
"""Distance of two vectors, as a share of their norm, up to which they describe one class; float32 rounds to 6e-8."""
_ROUNDING = 1e-13
"""Square of a distance, as a share of that of the norm, up to which double precision does not tell it from 0."""
_BLOCK = 64
"""Vectors compared at a time with those of all classes with rows."""


class RidgePrototype(ClosedForm):
    """An affine map W, b from class vectors to class means (or from rows to class vectors), penalised in W only.

    Args:
        conf: direction, penalty, metric.
        shape: widths and the number of classes.
        streams: not drawn from.
    """

    map: Tensor
    offset: Tensor
    known: Tensor
    known_vectors: Tensor
    known_means: Tensor

    def __init__(self, conf: RidgePrototypeConf, shape: ZeroShotShape, streams: Streams) -> None:
        super().__init__()
        self.conf = conf
        inputs, outputs = shape.class_vector, shape.features
        if conf.direction == "feature_to_class":
            inputs, outputs = outputs, inputs
        self.register_buffer("map", torch.zeros(inputs, outputs))
        self.register_buffer("offset", torch.zeros(outputs))
        classes = shape.classes if conf.seen_prototypes == "mean" else 0
        self.register_buffer("known", torch.zeros(classes, dtype=torch.bool))
        self.register_buffer("known_vectors", torch.zeros(classes, shape.class_vector))
        self.register_buffer("known_means", torch.zeros(classes, shape.features))

    @torch.no_grad()
    def fit(self, data: ZeroShotTraining) -> dict[str, Tensor]:
        """Fit the map; ``squared_error`` is the mean over inputs of the squared error summed over outputs.

        Raises:
            RunError: the penalty is too small for double precision, or too large for single precision.
        """
        sums = (
            self._class_to_feature(data) if self.conf.direction == "class_to_feature" else self._feature_to_class(data)
        )
        about_means = centred(sums)
        try:
            fitted = penalised_solve(about_means.gram, about_means.cross, penalty=self.conf.penalty)
        except ValueError as error:
            raise RunError(
                f"model.penalty={self.conf.penalty:g} is lost beside the scatter matrix that it is added to, which has "
                "no inverse of its own: make it larger"
            ) from error
        if is_lost(fitted, about_means.cross, self.map.dtype):
            raise RunError(
                f"model.penalty={self.conf.penalty:g} leaves a map that single precision rounds to 0: make it smaller"
            )
        self.map.copy_(fitted)
        self.offset.copy_((sums.target_total - sums.total @ fitted) / sums.rows)
        return {"squared_error": residual_square(about_means, fitted) / sums.rows}

    def _class_to_feature(self, data: ZeroShotTraining) -> Moments:
        labelled = ((x, data.labels[rows]) for rows, x in data.features.blocks(FIT_BLOCK))
        means, with_rows = class_means(labelled, len(data.class_vectors)), data.labelled_classes
        if self.conf.seen_prototypes == "mean":
            self.known.zero_()[with_rows] = True
            self.known_vectors.copy_(data.class_vectors)
            self.known_means[with_rows] = means[with_rows].to(self.known_means.dtype)
        return moments([(data.class_vectors[with_rows], means[with_rows])])

    def _feature_to_class(self, data: ZeroShotTraining) -> Moments:
        return moments((x, data.class_vectors[data.labels[rows]]) for rows, x in data.features.blocks(FIT_BLOCK))

    def class_scores(self, x: Tensor, class_vectors: Tensor) -> Tensor:
        """Return cosines, or minus squared Euclidean distances, of rows and prototypes."""
        if self.conf.direction == "class_to_feature":
            rows, prototypes = x, self._prototypes(class_vectors)
        else:
            rows, prototypes = x @ self.map + self.offset, class_vectors
        if self.conf.metric == "cosine":
            return l2_normalised(rows, 1) @ l2_normalised(prototypes, 1).T
        return -squared_distances(rows, prototypes, torch.ones_like(prototypes[:1]))

    def _prototypes(self, class_vectors: Tensor) -> Tensor:
        predicted = class_vectors @ self.map + self.offset
        if self.conf.seen_prototypes == "predicted":
            return predicted
        return torch.where(*self._known_mean(class_vectors), predicted)

    def _known_mean(self, class_vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return whether each vector (n, A) is that of a class with rows, (n, 1), and the mean of that class, (n, D).

        A vector is that of the nearest class if they are `_SAME` of its norm apart or less: scaled on another device or
        with other threads or versions, it has other last bits. Of several classes with one vector the first counts.
        """
        known, none = self.known.nonzero().squeeze(1), len(self.known)
        stored = self.known_vectors[known].double()
        squares = stored.square().sum(1)
        found = []
        for block in torch.split(class_vectors.double(), _BLOCK):
            square = block.square().sum(1, keepdim=True)
            apart = squares + square - 2 * (block @ stored.T)
            least = torch.cat([apart, _SAME**2 * square], 1).amin(1, keepdim=True)  # there may be no class with rows
            classes = torch.where(apart <= least + _ROUNDING * square, known, none)
            found.append(F.pad(classes, (0, 1), value=none).amin(1))
        own = torch.cat(found)
        return (own < none)[:, None], self.known_means[own.clamp_max(none - 1)]
