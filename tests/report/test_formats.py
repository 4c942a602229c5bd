"""A report as CSV keeps every digit in columns of one unit each, and as LaTeX is escaped."""

import csv
import io
import re

from tests.outputs import NATS
from zsl_runner.report.formats import as_csv, latex


def test_csv_has_full_precision(outputs):
    for seed, h in enumerate([100 / 3, 200 / 7]):
        outputs.add(h, seed)
    (line,) = csv.DictReader(io.StringIO(as_csv(outputs.report())))
    assert float(line["H mean"]) == (100 / 3 + 200 / 7) / 2
    assert (line["seeds"], line["setting"], line["semantics"]) == ("0 1", "inductive", "att")


def test_a_csv_column_is_of_one_unit(outputs):
    outputs.add(40.0, metrics={"test/accuracy": 40.0, "test/spread": 1.0})
    outputs.add_likelihood(60.0, metrics={"test/accuracy": 90.0, "test/spread": 2.0}, quantities={"spread": NATS})
    cub, mnist = csv.DictReader(io.StringIO(as_csv(outputs.report())))
    columns = ("accuracy mean", "spread mean", "spread [nats] mean")
    assert [cub[name] for name in columns] == ["40.0", "1.0", ""]
    assert [mnist[name] for name in columns] == ["90.0", "", "2.0"]
    assert (cub["spread n"], mnist["spread n"]) == ("1", "0")


def test_latex_is_escaped_and_balanced(outputs):
    outputs.add(40.0, 0, model="a_b", trainer="50%")
    outputs.add(42.0, 1, model="a_b", trainer="50%")
    outputs.add(50.0, 0, model="c&d")
    text = latex(outputs.report())
    assert r"a\_b & 50\%" in text
    assert r"41.0 $\pm$ 1.4" in text
    assert r"\textbf{50.0}" in text
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len({len(re.findall(r"(?<!\\)&", line)) for line in lines}) == 1
    columns = re.search(r"\\begin\{tabular\}\{(\w+)\}", text)[1]
    assert len(columns) == len(re.findall(r"(?<!\\)&", lines[0])) + 1
