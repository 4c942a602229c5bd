"""Values compare as values: in --baseline, in --by, between rows and along swept parameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zsl_runner.errors import RunError
from zsl_runner.report.collect import collect
from zsl_runner.report.groups import groups_of
from zsl_runner.report.values import meaning, parted, read


@pytest.mark.parametrize("written", ["1e-5", "1.0e-05", "0.00001", "1E-5", " 1e-05"])
def test_a_baseline_is_found_however_its_number_is_written(outputs, written):
    for lr in (1e-5, 1e-4):
        outputs.add(40.0, 0, model="vzsl", config={"optim": {"lr": lr}})
    (block,) = outputs.report(baseline=f"vzsl,lr={written}").blocks
    assert [bool(row.differences) for row in block.rows] == [False, True]


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ((True, False), "true"),
        ((True, False), "True"),
        ((None, 3), "null"),
        ((None, 3), "None"),
        ((1.0, 2.0), "1"),
        ((1, 2), "1.0"),
        (([16, 32], [16]), "[16,32]"),
        (([16, 32], [16]), "[16, 32.0]"),
        (("1e-5", "1e-4"), "0.00001"),
        (("adam", "sgd"), "adam"),
    ],
)
def test_a_baseline_is_found_by_words_lists_and_numbers(outputs, values, written):
    for value in values:
        outputs.add(40.0, 0, config={"option": value})
    (block,) = outputs.report(baseline=f"sgal/em,option={written}").blocks
    assert len([row for row in block.rows if not row.differences]) == 1


def test_what_there_is_is_listed(outputs):
    for lr in (1e-5, 1e-4):
        outputs.add(40.0, 0, model="vzsl", config={"optim": {"lr": lr}})
    with pytest.raises(RunError) as caught:
        outputs.report(baseline="vzsl,lr=3")
    assert str(caught.value).endswith(
        "there are vzsl, vzsl/em; with settings vzsl/em,model.optim.lr=0.0001; vzsl/em,model.optim.lr=1e-05"
    )


@pytest.mark.parametrize(
    ("first", "second"), [(1, 1.0), ("1e-5", 1e-5), ("true", True), ("null", None), ([1], ["1.0"])]
)
def test_equal_values_written_differently_tell_no_rows_apart(outputs, first, second):
    outputs.add(40.0, 0, config={"option": first, "width": 8})
    outputs.add(40.0, 0, config={"option": second, "width": 16})
    (block,) = outputs.report().blocks
    assert [row.group.differs for row in block.rows] == ["width=8", "width=16"]


def test_runs_are_grouped_by_values(outputs):
    outputs.add(40.0, 0, config={"option": 1, "width": 8})
    outputs.add(41.0, 1, config={"option": 1.0, "width": 16})
    outputs.add(42.0, 2, config={"option": 2, "width": 16})
    groups = groups_of(collect([outputs.folder]).runs, ["model.option"])
    assert sorted(len(group.runs) for group in groups) == [1, 2]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["adam", "a b", "x=1"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(VALUES)
def test_a_value_means_what_its_text_reads_as(value):
    assert meaning(read(str(value))) == meaning(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_means_the_same_in_every_notation(value):
    assert meaning(f"{value!r}") == meaning(f"{value:.17e}") == meaning(value)


@given(st.lists(st.text("abc=[1]", min_size=1, max_size=5)))
def test_parts_are_joined_to_what_was_parted(parts):
    text = ",".join(parts)
    assert ",".join(parted(text)) == text
