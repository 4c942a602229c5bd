"""Tables in results: kept to the bit, absent from older results, refused where they are damaged."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.results import make_result
from zsl_runner.errors import RunError
from zsl_runner.evaluation.base import Table
from zsl_runner.runs.result import FILE_NAME, Result
from zsl_runner.runs.state import RunState

NUMBERS = st.none() | st.floats(-1e6, 1e6)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1)


@st.composite
def tables(draw):
    rows, columns = (tuple(draw(st.lists(NAMES, min_size=1, max_size=4))) for _ in range(2))
    line = st.tuples(*[NUMBERS] * len(columns))
    return Table(rows, columns, draw(st.tuples(*[line] * len(rows))))


@settings(max_examples=25)
@given(tables())
def test_a_table_is_kept_to_the_bit(tmp_path_factory, table):
    folder = tmp_path_factory.mktemp("result")
    make_result(tables={"acc_taw": table.plain()}).save(folder)
    found = Result.load(folder).tables["acc_taw"]
    assert found == table.plain()
    assert Table(tuple(found["rows"]), tuple(found["columns"]), tuple(map(tuple, found["values"]))) == table


def test_a_number_that_is_not_finite_is_null(tmp_path):
    make_result(tables={"t": Table(("a",), ("b", "c"), ((math.nan, math.inf),)).plain()}).save(tmp_path)
    assert Result.load(tmp_path).tables["t"]["values"] == [[None, None]]


def sound():
    return {"rows": ["after task 1", "after task 2"], "columns": ["S", "U"], "values": [[1.0, None], [2, 3.5]]}


@pytest.mark.parametrize(
    "change",
    [
        {"values": [[1.0, 2.0]]},
        {"values": [[1.0, 2.0], [3.0]]},
        {"values": [[1.0, 2.0], [3.0, "4"]]},
        {"values": [[1.0, 2.0], [3.0, True]]},
        {"values": [[1.0, 2.0], [3.0, 1e300]]},
        {"values": [[1.0, 2.0], "34"]},
        {"values": None},
        {"rows": ["after task 1"]},
        {"rows": ["after task 1", 2]},
        {"rows": "ab"},
        {"columns": ["S"]},
        {"columns": ["S", None]},
        {"columns": {"S": 0, "U": 1}},
    ],
    ids=str,
)
def test_a_damaged_table_is_refused_by_name(tmp_path, change):
    make_result(tables={"fine": sound(), "zero_shot": sound()}).save(tmp_path)
    path = tmp_path / FILE_NAME
    content = json.loads(path.read_text())
    content["tables"]["zero_shot"] |= change
    path.write_text(json.dumps(content))
    with pytest.raises(RunError, match=r"result\.json: tables: zero_shot: expected rows, columns and as many values"):
        Result.load(tmp_path)


@pytest.mark.parametrize("table", [None, 3, [], {}, {"rows": [], "columns": []}], ids=str)
def test_what_is_no_table_is_refused(tmp_path, table):
    make_result(tables={"t": table}).save(tmp_path)
    with pytest.raises(RunError, match="tables: t: expected rows"):
        Result.load(tmp_path)


def test_results_of_earlier_versions_have_none(tmp_path):
    make_result().save(tmp_path)
    path = tmp_path / FILE_NAME
    content = json.loads(path.read_text())
    del content["tables"]
    path.write_text(json.dumps(content))
    assert Result.load(tmp_path).tables == {}


def test_checkpoints_keep_them_and_earlier_ones_have_none():
    state = RunState(make_result(tables={"t": sound()})).state_dict()
    resumed = RunState(make_result())
    resumed.load_state_dict(state)
    assert resumed.result.tables == {"t": sound()}
    del state["tables"]
    resumed.load_state_dict(state)
    assert resumed.result.tables == {}
