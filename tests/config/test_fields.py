import math

import pytest

from zsl_runner.config.fields import Rule


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("", low=0, high=1, above=True), "0 < value <= 1"),
        (Rule("", low=0.5), "0.5 <= value"),
        (Rule("", high=2**31 - 1, below=True), "value < 2147483647"),
        (Rule("", choices=("a", "b")), "one of a, b"),
        (Rule(""), ""),
    ],
)
def test_limits_in_words(rule, words):
    assert rule.describe() == words


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (Rule("", low=0, high=1, above=True), [1, 0.5, None, True, [0.1, 1]], [0, 1.1, [0.5, 2], {"a": 0}]),
        (Rule("", low=0, high=1, below=True), [0, {"a": 0.5}], [1, -0.1]),
        (Rule("", choices=("a", "b")), ["a", ["a", "b"], []], ["c", ["a", "c"]]),
        (Rule("", low=0), [0, 1e300, 10**400], [math.nan, math.inf, -(10**400)]),
        (Rule("", low=0, high=2**31 - 1), [7], [10**400]),
        (Rule(""), [math.nan, -math.inf, "x"], []),
    ],
)
def test_what_is_accepted(rule, good, bad):
    assert [value for value in good if not rule.accepts(value)] == []
    assert [value for value in bad if rule.accepts(value)] == []
