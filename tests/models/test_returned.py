"""What a model returns in another shape than it was asked for is refused by name, and never measured."""

import pytest
import torch

from tests.classifiers.generators import ClassGaussians
from tests.zero_shot import zero_shot_folds
from zsl_runner.classifiers.synthetic import RealRows, classifier_rows
from zsl_runner.errors import RunError
from zsl_runner.evaluation.zsl.scorer import ModelScorer
from zsl_runner.models.base import ClassScorer
from zsl_runner.models.returned import of_shape
from zsl_runner.streams import Streams


class Products(ClassScorer):
    """Scores by products; ``change`` is applied to the scores of all classes."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def class_scores(self, x, class_vectors):
        return self.change(x @ class_vectors.T)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda scores: scores[:, :-1], r"one of shape \(4, 2\)"),  # the last class would never be predicted
        (lambda scores: scores[:1], r"one of shape \(1, 3\)"),
        (lambda scores: scores.T, r"one of shape \(3, 4\)"),
        (lambda scores: scores[:, :, None], r"one of shape \(4, 3, 1\)"),
        (lambda scores: scores > 1, r"one of shape \(4, 3\) and torch.bool"),
        (lambda scores: list(scores), "a list"),
    ],
)
def test_scores_that_are_not_one_for_each_row_and_class_are_refused(change, found):
    scorer = ModelScorer(Products(change), torch.ones(3, 2), seen=2)
    with pytest.raises(
        RunError, match=rf"Products.class_scores: expected a tensor of shape \(4, 3\) of .*found {found}"
    ):
        scorer.scores(torch.ones(4, 2))


class Changed(ClassGaussians):
    """Generates what ``change`` makes of its rows, and changes inputs so, too."""

    def __init__(self, *means, change=lambda x: x, inputs=lambda x: x):
        super().__init__(*means)
        self.change, self.inputs = change, inputs

    def synthesize(self, class_vectors, streams):
        return self.change(super().synthesize(class_vectors, streams))

    def classifier_input(self, x):
        return self.inputs(x)


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("synthesize", {"change": lambda x: x[:, :1]}),  # would be copied to all features
        ("synthesize", {"change": lambda x: x[:-1]}),
        ("synthesize", {"change": lambda x: x.repeat(2, 1)}),
        ("classifier_input", {"inputs": lambda x: x[:1]}),
        ("classifier_input", {"inputs": lambda x: x[:, 0]}),
    ],
)
def test_generated_rows_and_inputs_of_another_shape_are_refused(records, method, change):
    train = zero_shot_folds(records).final().train
    vectors = train.class_vectors
    model = Changed(vectors, torch.ones(len(vectors), train.features.width), **change)
    real = RealRows.of(train, torch.arange(6))
    with pytest.raises(RunError, match=rf"Changed.{method}: expected a tensor of shape"):
        classifier_rows(model, vectors[train.unseen_classes], 5, Streams(0), "float32", real)


def test_a_size_that_nobody_knows_may_be_any():
    values = torch.ones(4, 7)
    assert of_shape(values, Products(None), "synthesize", 4, None) is values
