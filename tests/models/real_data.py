"""Real folds and mean-class accuracies for tests of models; skips where the data are not there."""

import os
from pathlib import Path

import pytest
import torch

from tests.zero_shot import zero_shot_folds
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.data.sources.xlsa17.source import load


def final_fold(name, semantics="att", **options):
    """Return the final fold of a folder below $ZSL_DATA/xlsa17; ``options`` are those of `zero_shot_folds`."""
    root = os.environ.get("ZSL_DATA")
    if not root or not (Path(root) / "xlsa17" / name / "res101.mat").exists():
        pytest.skip(f"$ZSL_DATA has no xlsa17/{name}")
    conf = XLSA17Conf(name=name, root=str(Path(root) / "xlsa17" / name), semantics=semantics, cache=None)
    return zero_shot_folds(load(conf), **options).cut("final")


def mean_class_accuracy(truth, predicted):
    return 100 * torch.stack([(predicted[truth == c] == c).double().mean() for c in truth.unique()]).mean().item()


def zero_shot_metrics(model, evaluation):
    """Return T1, U, S, H in per cent of a fitted model."""
    classes = torch.cat([evaluation.seen_classes, evaluation.unseen_classes])

    def accuracy(view, truth, candidates):
        rows = view.take(torch.arange(len(view)))
        scores = model.class_scores(rows, evaluation.class_vectors[candidates])
        return mean_class_accuracy(truth, candidates[scores.argmax(1)])

    unseen = accuracy(evaluation.unseen, evaluation.unseen_labels, classes)
    seen = accuracy(evaluation.seen, evaluation.seen_labels, classes)
    conventional = accuracy(evaluation.unseen, evaluation.unseen_labels, evaluation.unseen_classes)
    return {"T1": conventional, "U": unseen, "S": seen, "H": 2 * unseen * seen / (unseen + seen)}
