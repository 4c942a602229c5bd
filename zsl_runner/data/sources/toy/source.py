"""Draws the toy data set."""

from __future__ import annotations

import numpy as np

from zsl_runner.data.records import Provenance, checked
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.data.sources.toy.problem import bayes_accuracy, draw_problem
from zsl_runner.data.zero_shot.draws import draw_validation_classes
from zsl_runner.data.zero_shot.records import ZeroShotRecords


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
