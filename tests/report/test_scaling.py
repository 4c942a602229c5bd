"""How features and class vectors were scaled: in the heading where all rows have it alike, else beside each."""

from tests.outputs import REAL, rows_of
from zsl_runner.report.formats import latex, markdown

CENTRED = {"feature_scaling": "center_l2", "radius": 31.6227766, "semantic_scaling": "center"}
UNSCALED = {"feature_scaling": "minmax", "semantic_scaling": "center"}
FILE = {"semantics": "att of att_splits.mat: 85-d, unit L2"}


def test_the_heading_names_a_scaling_that_all_rows_have_and_norms_as_those_of_the_file(outputs):
    outputs.add(40.0, data=REAL | FILE | CENTRED)
    outputs.add(41.0, model="vzsl", data=REAL | FILE | CENTRED)
    text = markdown(outputs.report())
    scaling = "features center_l2 to norm 31.62, class vectors center"
    assert f"att of att_splits.mat: 85-d, unit L2 in the file. Scaling: {scaling}. Split: PS1." in text
    assert f", scaling: {scaling}\n" in latex(outputs.report())


def test_rows_that_differ_in_scaling_say_so(outputs):
    outputs.add(40.0, data=REAL | CENTRED)
    outputs.add(41.0, model="vzsl", data=REAL | UNSCALED)
    report = outputs.report()
    assert [row.varied for row in rows_of(report)] == ["feature_scaling=center_l2", "feature_scaling=minmax"]
    assert "Scaling: class vectors center. Split: PS1." in markdown(report)


def test_of_older_records_the_configuration_tells_the_scaling_once(outputs):
    for scaling, h in (("minmax", 40.0), ("l2", 41.0)):
        directory = outputs.add(h, config={"lr": h})
        text = (directory / "config.yaml").read_text()
        (directory / "config.yaml").write_text(f'{text[:-1]}, "dataset": {{"feature_scaling": "{scaling}"}}}}')
    assert [row.varied for row in rows_of(outputs.report())] == [
        "feature_scaling=l2, lr=41",
        "feature_scaling=minmax, lr=40",
    ]


def test_rows_of_which_nobody_recorded_a_scaling_have_none(outputs):
    outputs.add(40.0)
    assert "caling" not in markdown(outputs.report())
