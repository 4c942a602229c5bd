"""The toy data: their distribution, with class means, common covariance and optimum, and what is drawn of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.records import Provenance, Rows, checked
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.data.zero_shot.draws import draw_validation_classes
from zsl_runner.data.zero_shot.records import ZeroShotRecords

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class GaussianProblem:
    """Classes N(mean_k, covariance) described by class vectors.

    Attributes:
        class_vectors: (K, A), unit L2 norm.
        means: (K, D).
        nuisance: (D, R) orthonormal directions times their standard deviation.
        noise: standard deviation in every direction.
    """

    class_vectors: Matrix
    means: Matrix
    nuisance: Matrix
    noise: float

    @property
    def covariance(self) -> Matrix:
        """The (D, D) within-class covariance ``noise^2 I + nuisance nuisance'``."""
        return self.noise**2 * np.eye(self.means.shape[1]) + self.nuisance @ self.nuisance.T

    def sample(self, labels: Rows, generator: np.random.Generator) -> Matrix:
        """Return (len(labels), D) rows, one of each label."""
        rows = self.means[labels] + self.noise * generator.standard_normal((len(labels), self.means.shape[1]))
        return rows + generator.standard_normal((len(labels), self.nuisance.shape[1])) @ self.nuisance.T


def draw_problem(conf: ToyConf, generator: np.random.Generator) -> GaussianProblem:
    """Draw the class vectors and the map from them to the class means.

    ``a ~ U(0, 1)^A``, scaled to unit norm. ``mapping=tanh``: ``mean = 2 tanh(a W1) W2`` with entries of W1 from
    N(0, 4) and of W2 from N(0, 1/hidden). ``mapping=linear``: ``mean = a W`` with entries of W from N(0, 4).
    """
    vectors = generator.uniform(size=(conf.seen + conf.unseen, conf.attributes))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    if conf.mapping == "tanh":
        inner = 2 * generator.standard_normal((conf.attributes, conf.hidden))
        outer = generator.standard_normal((conf.hidden, conf.width)) / conf.hidden**0.5
        means = 2 * np.tanh(vectors @ inner) @ outer
    else:
        means = vectors @ (2 * generator.standard_normal((conf.attributes, conf.width)))
    directions, _ = np.linalg.qr(generator.standard_normal((conf.width, conf.nuisance_rank)))
    return GaussianProblem(vectors, means, conf.nuisance_scale * directions, conf.noise)


def bayes_predictions(problem: GaussianProblem, rows: NDArray[np.floating], candidates: Rows) -> Rows:
    """Return the most probable class of each row among equally probable ``candidates``.

    With one covariance C for all classes that is the smallest ``(x - mean_k)' C^-1 (x - mean_k)``, computed as
    ``mean_k' C^-1 mean_k - 2 x' C^-1 mean_k``.
    """
    means = problem.means[candidates]
    weights = np.linalg.solve(problem.covariance, means.T)
    distances = np.einsum("kd,dk->k", means, weights) - 2 * rows @ weights
    nearest: Rows = candidates[distances.argmin(axis=1)]
    return nearest


def bayes_accuracy(problem: GaussianProblem, rows: NDArray[np.floating], labels: Rows, candidates: Rows) -> float:
    """Return the mean-class accuracy, in per cent, of the best possible classifier on these rows."""
    right = bayes_predictions(problem, rows, candidates) == labels
    return 100 * float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def load(conf: ToyConf) -> ZeroShotRecords:
    """Draw the problem and its rows; classes 0..seen-1 are seen, the others unseen."""
    generator = np.random.default_rng(conf.data_seed)
    problem = draw_problem(conf, generator)
    seen, unseen = np.arange(conf.seen), np.arange(conf.seen, conf.seen + conf.unseen)
    labels = np.concatenate(
        [np.repeat(seen, conf.train_rows), np.repeat(seen, conf.test_rows), np.repeat(unseen, conf.unseen_rows)]
    )
    features = problem.sample(labels, generator)
    ends = np.cumsum([conf.seen * conf.train_rows, conf.seen * conf.test_rows])
    trainval, test_seen, test_unseen = np.split(np.arange(len(labels)), ends)
    optimum = bayes_accuracy(problem, features[test_unseen], labels[test_unseen], unseen)
    records = ZeroShotRecords(
        name=conf.name,
        features=features.astype(np.float32),
        labels=labels,
        class_vectors=problem.class_vectors.astype(np.float32),
        class_names=tuple(f"class_{number:03d}" for number in range(1, conf.seen + conf.unseen + 1)),
        seen_classes=seen,
        unseen_classes=unseen,
        trainval=trainval,
        test_seen=test_seen,
        test_unseen=test_unseen,
        validation_classes=draw_validation_classes(seen, conf.validation_classes, conf.validation_seed),
        provenance=Provenance(
            kind="generated",
            feature_kind=f"toy Gaussian classes, {conf.width}-d, {conf.mapping} mapping",
            semantics=f"{conf.attributes} random attributes, unit L2",
            split_version=f"own (toy, seed {conf.data_seed})",
            notes=(f"best possible T1 on these test rows {optimum:.1f}, knowing the true class means",),
        ),
    )
    return checked(records, "toy")
