"""Numbering the classes otherwise, with class vectors and class sets alike, changes no metric."""

from dataclasses import replace

import numpy as np
import pytest

from tests.zero_shot import zero_shot_folds
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.data.sources.toy.source import load
from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.evaluation.zsl.conf import ZeroShotEvaluatorConf
from zsl_runner.evaluation.zsl.evaluator import ZeroShotEvaluator
from zsl_runner.models.eszsl.conf import ESZSLConf
from zsl_runner.models.eszsl.model import ESZSL
from zsl_runner.streams import Streams

METRICS = ("test/T1", "test/U", "test/S", "test/H", "test/AUSUC")


def renumbered(records, number):
    """Return records whose class k has ``number[k]`` instead."""
    former = np.argsort(number)
    sets = {
        name: np.sort(number[getattr(records, name)])
        for name in ("seen_classes", "unseen_classes", "validation_classes")
    }
    return replace(
        records,
        labels=number[records.labels],
        class_vectors=records.class_vectors[former],
        class_names=tuple(records.class_names[k] for k in former),
        **sets,
    )


def measured(records):
    fold = zero_shot_folds(records, feature_scaling="center_l2", semantic_scaling="center").final()
    rows, vectors = records.features.shape[1], records.class_vectors
    model = ESZSL(ESZSLConf(), ZeroShotShape(rows, vectors.shape[1], len(vectors)), Streams(0))
    model.fit(fold.train)
    return ZeroShotEvaluator(ZeroShotEvaluatorConf(calibration="none"), 0).measure(model, fold, {}).metrics


@pytest.mark.parametrize("seed", range(3))
def test_classes_numbered_otherwise_have_the_same_metrics(seed):
    records = load(ToyConf(name="toy", train_rows=20, test_rows=10, unseen_rows=10, noise=2.5))
    number = np.random.default_rng(seed).permutation(len(records.class_vectors))
    other = renumbered(records, number)
    assert other.problems() == []
    assert set(other.unseen_classes) != set(records.unseen_classes)
    before, after = measured(records), measured(other)
    assert [after[tag] for tag in METRICS] == pytest.approx([before[tag] for tag in METRICS], abs=1e-9)
    assert all(5 < before[tag] < 95 for tag in METRICS), before
