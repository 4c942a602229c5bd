"""Small runs on tasks from the configuration to the record: what is measured, kept, drawn and read again."""

import json
import math

import pytest

from tests.small_runs import configuration, finished
from zsl_runner.data.command.cli import main
from zsl_runner.evaluate.scores import evaluate
from zsl_runner.runs.result import Result

QUIET = (
    "tracker.figures=false",
    "tracker.progress=none",
    "tracker.tensorboard=false",
    "runtime.device=cpu",
    "trainer.iterations=6",
    "trainer.batch_size=16",
)
DIGITS = ("dataset=split_digits", "dataset.side=8", "model=task_heads", "model.hidden=[8]", *QUIET)


@pytest.fixture
def zero_shot(tmp_path):
    folder = tmp_path / "own"
    assert main(["synthesize", str(folder)]) == 0
    model = ("model=cosine_heads", "model.hidden=[8]", "model.width=8")
    return (
        "dataset=xlsa17_tasks",
        f"dataset.root='{folder}'",
        "dataset.cache=null",
        "dataset.n_tasks=3",
        *model,
        *QUIET,
    )


def same_as_the_record(run):
    """Let zsl-eval measure a finished run again: the same metrics and the same tables."""
    result = Result.load(run / "result.json")
    (scores,) = evaluate(run, "cpu")
    again = json.loads(json.dumps(scores))
    assert again["complete"]
    tested = {tag: value for tag, value in result.metrics.items() if tag.startswith("test/")}
    assert again["metrics"] == tested
    assert again["tables"] == result.tables
    return result


@pytest.mark.parametrize(
    "overrides", [("trainer=finetune",), ("trainer=a_lwf",), ("trainer=icarl", "trainer.memory=40")], ids=" ".join
)
def test_a_run_on_digits_keeps_its_matrices(tmp_path, overrides):
    run = finished(tmp_path, *DIGITS, *overrides)
    result = same_as_the_record(run)
    assert {"acc_taw", "acc_tag", "distances", "forgetting"} == set(result.tables)
    assert result.setting["kind"] == "continual, 5 tasks"
    for name in ("acc_taw", "acc_tag"):
        table = result.tables[name]
        assert table["columns"] == [f"task {task}" for task in range(1, 6)]
        for line, values in enumerate(table["values"]):
            assert [value is None for value in values] == [column > line for column in range(5)]
        mean = sum(table["values"][-1]) / 5
        assert result.metrics[f"test/avg_{name}"] == pytest.approx(mean)
    assert set(result.quantities) >= {"forg_taw", "distance_old"}
    assert result.quantities["forg_taw"]["lower_is_better"]


@pytest.mark.parametrize("setting", ["dynamic", "static"])
def test_a_zero_shot_run_keeps_its_steps(tmp_path, zero_shot, setting):
    run = finished(tmp_path / "out", *zero_shot, f"dataset.task_setting={setting}", "trainer=a_ewc")
    result = same_as_the_record(run)
    assert {"acc_tag", "zero_shot", "distances", "forgetting"} == set(result.tables)
    steps = result.tables["zero_shot"]
    assert steps["columns"] == ["S", "U", "H", "AUSUC"]
    assert [line[1] is None for line in steps["values"]] == [False, False, setting == "static"]
    assert ("test/H" in result.metrics) == (setting == "dynamic")
    defined = [line[2] for line in steps["values"] if line[2] is not None]
    assert result.metrics["test/mH"] == pytest.approx(math.fsum(defined) / len(defined))
    assert result.setting["kind"] == f"continual, 3 tasks, {setting}"
    assert "val/mH" in result.validation


@pytest.mark.parametrize("setting", ["dynamic", "static"])
def test_a_run_keeps_the_weights_that_a_search_found(tmp_path, zero_shot, setting):
    search = ("trainer.search.tries=3", "trainer.search.drop=0", "trainer.search.factor=0.1", "trainer.weight=1e9")
    run = finished(tmp_path / "out", *zero_shot, f"dataset.task_setting={setting}", "trainer=ewc", *search)
    result = same_as_the_record(run)
    table = result.tables["search"]
    assert table["rows"] == ["task 2", "task 3"]
    assert table["columns"] == ["weights times", "network", "auxiliary network"]
    factors = [line[0] for line in table["values"]]
    assert all(min(abs(factor - tried) for tried in (1, 0.1, 0.01)) < 1e-6 for factor in factors)
    assert result.metrics["test/weight_factor"] == pytest.approx(math.sqrt(math.prod(factors)))
    too_low = [line for line in table["values"] if line[1] < line[2]]
    assert len([told for told in result.warnings if told.startswith("trainer.search: of task")]) == bool(too_low)


def test_figures_of_a_run_are_drawn(tmp_path):
    overrides = [entry for entry in DIGITS if entry != "tracker.figures=false"]
    run = finished(tmp_path, *overrides, "trainer=a_lwf", "trainer.plane=true", "trainer.search.tries=2")
    assert configuration(run).tracker.figures
    names = {path.stem for path in run.rglob("*.png")}
    wanted = {"acc_taw", "acc_tag", "acc_taw_course", "acc_tag_course", "distances", "similarities", "plane", "search"}
    assert wanted <= {name.rsplit("/")[-1].removeprefix("test_") for name in names}, names


def test_a_run_without_tables_is_read_as_before(tmp_path):
    run = finished(tmp_path, *DIGITS, "trainer=finetune")
    path = run / "result.json"
    content = json.loads(path.read_text())
    del content["tables"]
    path.write_text(json.dumps(content))
    assert Result.load(path).tables == {}
