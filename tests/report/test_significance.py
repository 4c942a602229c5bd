import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from zsl_runner.report.baseline import FEWEST_PAIRS, holm, paired_p, two_sided_tail


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 9, 10, 49, 100])
@pytest.mark.parametrize("t", [0.0, 0.3, 1.0, 2.5, 7.0, 40.0])
def test_the_tail_is_that_of_scipy(t, freedom):
    expected = 2 * scipy.stats.t.sf(t, freedom)
    assert two_sided_tail(t, freedom) == pytest.approx(expected, abs=1e-14)
    assert two_sided_tail(-t, freedom) == two_sided_tail(t, freedom)


def test_the_tail_of_one_degree_is_cauchys():
    assert two_sided_tail(3.0, 1) == pytest.approx(1 - 2 * math.atan(3.0) / math.pi, abs=1e-15)
    with pytest.raises(ValueError, match="found 0"):
        two_sided_tail(1.0, 0)


def test_the_paired_test_is_that_of_scipy():
    generator = np.random.default_rng(0)
    for n in (FEWEST_PAIRS, 6, 11):
        ours, theirs = generator.normal(50, 1, n), generator.normal(49, 1, n)
        expected = scipy.stats.ttest_rel(ours, theirs).pvalue
        assert paired_p(list(ours - theirs)) == pytest.approx(expected, abs=1e-12)


def test_there_is_no_p_value_where_the_test_says_nothing():
    assert paired_p([1.0, 1.1, 0.9, 1.2]) is None
    assert paired_p([0.0] * 6) is None
    assert paired_p([2.5] * 6) is None
    assert paired_p([0.1 + 0.2, 0.3, 0.3, 0.3, 0.3]) is None  # equal but for rounding
    assert paired_p([2.5] * 5 + [2.6]) is not None


def test_under_no_difference_one_in_twenty_is_below_a_twentieth():
    draws = np.random.default_rng(1).normal(size=(4000, 5))
    share = np.mean([paired_p(list(row)) < 0.05 for row in draws])
    assert abs(share - 0.05) < 4 * math.sqrt(0.05 * 0.95 / 4000)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_by_its_definition(values):
    adjusted = holm(values)
    ranked = sorted(values)
    for value, found in zip(values, adjusted, strict=True):
        below = [min(1.0, (len(values) - k) * p) for k, p in enumerate(ranked) if p <= value]
        assert found == pytest.approx(max(below))


def test_holm_adjusts_nothing_alone():
    assert holm([0.03]) == [0.03]
    assert holm([]) == []
