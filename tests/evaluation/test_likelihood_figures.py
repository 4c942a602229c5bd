"""The curve of the likelihood protocol: estimates from the first codes, by hand."""

import dataclasses
import math

import pytest
import torch

from zsl_runner.data.pairs.folds import PairEvaluationSet
from zsl_runner.evaluation.likelihood.conf import LikelihoodEvaluatorConf
from zsl_runner.evaluation.likelihood.estimates import RowEstimates
from zsl_runner.evaluation.likelihood.figures import likelihood_figures

WEIGHTS = torch.tensor([[1.0, 4.0], [3.0, 4.0], [8.0, 4.0], [4.0, 4.0]], dtype=torch.float64)
"""Of four codes for two rows; the means of the first one, two and four are 1 and 4, 2 and 4, 4 and 4."""

EXPECTED = {1: -math.log(4) / 2, 2: -math.log(8) / 2, 4: -math.log(4)}


def lines_of(estimates, curve):
    """Return the lines of the figure by their labels."""
    conf = dataclasses.replace(LikelihoodEvaluatorConf(), curve=curve)
    ((name, draw),) = likelihood_figures(None, PairEvaluationSet("test", None, None), estimates, {}, conf, seed=0)
    assert name == "likelihood_curve"
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in draw().axes[0].lines}


def test_points_are_the_estimates_from_the_first_codes_and_from_all():
    estimates = RowEstimates(torch.tensor([-1.0, -4.0]), WEIGHTS.log(), WEIGHTS[1:3].log())
    lines = lines_of(estimates, [2, 1, 100])
    assert list(lines) == ["Monte Carlo", "importance sampling", "minus the bound"]
    counts, values = lines["Monte Carlo"]
    assert counts == [1, 2, 4]
    assert values == pytest.approx([EXPECTED[count] for count in counts])
    counts, values = lines["importance sampling"]
    assert counts == [1, 2]
    assert values == pytest.approx([-math.log(3 * 4) / 2, -math.log(5.5 * 4) / 2])
    assert lines["minus the bound"][1] == [2.5, 2.5]


def test_what_was_not_estimated_is_not_drawn():
    lines = lines_of(RowEstimates(None, None, WEIGHTS.log()), [2])
    assert list(lines) == ["importance sampling"]
    assert lines["importance sampling"][0] == [2, 4]
