"""Which rows share a table of a report, and what is said of their data above it."""

import json

import pytest

from tests.outputs import PAIRS, REAL, rows_of
from zsl_runner.report.formats import latex, markdown


@pytest.mark.parametrize(
    "other",
    [
        {"setting": {"kind": "transductive", "class_prior": "uniform"}},
        {"setting": {"kind": "inductive", "class_prior": "known"}},
        {"data": REAL | {"feature_kind": "res101"}},
        {"data": REAL | {"kind": "synthetic"}},
        {"data": REAL | {"semantics": "sent"}},
        {"data": REAL | {"split_version": "PS2"}},
        {"dataset": "awa1"},
    ],
)
def test_what_is_not_comparable_never_shares_a_table(outputs, other):
    outputs.add(40.0)
    outputs.add(50.0, seed=1, **other)
    report = outputs.report()
    assert [len(block.rows) for block in report.blocks] == [1, 1]
    pooled = outputs.report(by=["model"])
    assert [len(block.rows) for block in pooled.blocks] == [1, 1]


def test_other_files_under_the_same_name_are_another_group(outputs):
    outputs.add(40.0)
    outputs.add(50.0, seed=1, data=REAL | {"files": [{"sha256": "2"}]})
    assert [row.cells["test/H"].n for row in rows_of(outputs.report())] == [1, 1]


def test_tables_of_other_files_are_told_apart_by_their_checksums_alone(outputs):
    outputs.add(40.0, data=REAL | {"files": [{"sha256": "a" * 64}, {"sha256": "b" * 64}]})
    assert "Checksums" not in markdown(outputs.report())
    outputs.add(50.0, data=REAL | {"files": [{"sha256": "a" * 64}, {"sha256": "c" * 64}]})
    report = outputs.report()
    assert [len(block.rows) for block in report.blocks] == [1, 1]
    text = markdown(report)
    assert "**50.0**" not in text
    assert f"Checksums: {'a' * 12}+{'b' * 12}." in text
    assert f"Checksums: {'a' * 12}+{'c' * 12}." in text
    assert f"data: {'a' * 12}+{'c' * 12}" in latex(report)


def test_runs_with_other_lists_of_validation_classes_share_a_table_in_which_nothing_is_best(outputs):
    for seed, name in enumerate(("valclasses1.txt", "valclasses2.txt")):
        files = [{"path": "cub/res101.mat", "sha256": "a" * 64}, {"path": f"cub/{name}", "sha256": str(seed) * 64}]
        directory = outputs.add(40.0 + seed, seed, data=REAL | {"files": files}, config_hash=name)
        content = json.loads((directory / "config.yaml").read_text())
        (directory / "config.yaml").write_text(json.dumps(content | {"dataset": {"validation_file": name}}))
    report = outputs.report()
    assert [len(block.rows) for block in report.blocks] == [2]
    assert "**" not in markdown(report).partition("|")[2]
    assert "validation_file=valclasses2.txt" in markdown(report)


@pytest.mark.parametrize("files", [None, [], [{"path": "a"}], [{"sha256": None}]])
def test_results_without_checksums_stay_readable(outputs, files):
    outputs.add(40.0, data=REAL | {"files": files})
    outputs.add(42.0, seed=1, data=REAL | {"files": files})
    (row,) = rows_of(outputs.report())
    assert row.cells["test/H"].n == 2


def test_synthetic_data_and_priors_are_named(outputs):
    outputs.add(40.0, data=REAL | {"kind": "synthetic"}, setting={"kind": "transductive", "class_prior": "known"})
    text = markdown(outputs.report())
    assert "fc1000 [SYNTHETIC]" in text
    assert "transductive, known class prior" in text


@pytest.mark.parametrize("by", [None, ["model"]])
def test_the_class_prior_of_transductive_rows_is_named_once(outputs, by):
    """Also where no other row of the model has another one; with two it is a setting that varies."""

    def add(model, prior, seed=0, kind="transductive"):
        setting = {"kind": kind, "class_prior": prior}
        outputs.add(40.0, seed, model, setting=setting)
        config = {"seed": seed, "model": {"name": model}, "trainer": {"class_prior": prior}}
        (outputs.folder / model / "cub" / f"run{outputs.count:03d}" / "config.yaml").write_text(json.dumps(config))

    add("bi_vaegan", "cpe")
    add("bi_vaegan", "cpe", seed=1)
    add("f_vaegan", "uniform")
    add("f_vaegan", "bbse")
    add("tf_vaegan", "known")
    add("tf_vaegan", "uniform", kind="inductive")
    named = {model: [] for model in ("bi_vaegan", "f_vaegan", "tf_vaegan")}
    for row in rows_of(outputs.report(by=by)):
        named[row.group.traits["model"]].append((row.varied, row.varied_exactly))
    several = ["class_prior=bbse", "class_prior=uniform"] if by is None else ["class_prior=bbse | uniform"]
    assert named == {
        "bi_vaegan": [("class_prior=cpe",) * 2],
        "f_vaegan": [(prior,) * 2 for prior in several],
        "tf_vaegan": [("", "")] * 2,
    }
    assert "| bi_vaegan | em | class_prior=cpe | last |" in markdown(outputs.report(by=by))


@pytest.mark.parametrize(
    "kind",
    [
        "semi-supervised, 100 labels",
        "unsupervised",
        "continual, 5 tasks",
        "weakly supervised, tags",
        "fully supervised, training masks",
    ],
)
def test_classes_of_images_are_no_side_information(outputs, kind):
    outputs.add_likelihood(60.0, data=PAIRS | {"semantics": "10 classes"}, setting={"kind": kind})
    assert f"{kind}. Data: 28 x 28 grey, 1 quadrant observed. Labels: 10 classes. Split: own." in (
        markdown(outputs.report())
    )


@pytest.mark.parametrize("task_setting", ["dynamic", "static"])
def test_class_vectors_of_tasks_are_side_information(outputs, task_setting):
    kind = f"continual, 10 tasks, {task_setting}"
    outputs.add(40.0, setting={"kind": kind})
    assert f"{kind}. Features: fc1000. Side information: att. Split: PS1." in markdown(outputs.report())


def test_outputs_of_supervised_data_are_named(outputs):
    outputs.add_likelihood(60.0, data=PAIRS | {"semantics": "2 classes: background, bird"})
    assert "supervised. Data: 28 x 28 grey, 1 quadrant observed. Outputs: 2 classes: background, bird. Split: own." in (
        markdown(outputs.report())
    )
    outputs.add_likelihood(60.0, model="other")
    assert "features: 28 x 28 grey, 1 quadrant observed, split: own" in latex(outputs.report())


MIXED = """\
**cub**, inductive. Features: fc1000. Side information: att. Split: PS1.

| model | trainer | selection | U | H | n | time |
| --- | --- | --- | ---: | ---: | ---: | ---: |
| sgal | em | last | 20.5 ± 0.7 | 41.0 ± 1.4 | 2 | 1:00 |

**mnist_quadrant**, supervised. Data: 28 x 28 grey, 1 quadrant observed. Split: own.

| model | trainer | selection | NCLL | NCLL_MC | accuracy | n | time |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |
| baseline_nn | em | last | 100.03 | 102.03 | 80.0 | 1 | 1:00 |
| cvae | em | last | **63.75 ± 0.35** | **65.75 ± 0.35** | **83.6 ± 0.0** | 2 | 1:00 |

U, H, accuracy in per cent; NCLL, NCLL_MC in nats (lower is better), mean ± standard deviation over seeds (n - 1);\
 n = number of seeds; best mean in bold.
"""


def likelihoods(ncll):
    return {"test/NCLL": ncll, "test/NCLL_se": 0.5, "test/NCLL_MC": ncll + 2, "test/accuracy": 90 - ncll / 10}


def test_a_report_over_different_kinds_of_data(outputs):
    for seed in (0, 1):
        outputs.add(40.0 + 2 * seed, seed)
        outputs.add_likelihood(63.5 + seed / 2, seed, metrics=likelihoods(63.5 + seed / 2))
    outputs.add_likelihood(100.03, model="baseline_nn", metrics=likelihoods(100.03))
    assert markdown(outputs.report()) == MIXED
