"""`zsl-eval RUN evaluator.KEY=VALUE`: a trained model is scored with other settings, on validation rows."""

import json

import pytest

from tests.recipes.conftest import QUICK
from tests.results import recorded

TUNED = [
    *QUICK,
    "trainer.pretrain_steps=20",
    "trainer.em.iterations=10",
    "trainer.em.rollback_every=null",
    "evaluator=final_classifier",
    "evaluator.stages=[tune]",
    "evaluator.classifier.synthetic_per_class=20",
    "evaluator.classifier.epochs=3",
    "evaluator.every=15",
]
OTHERS = ["evaluator.classifier.synthetic_per_class=7", "evaluator.classifier.lr=0.03"]


@pytest.fixture
def run(zsl_run, tmp_path):
    """Return what runs the small configuration with other values and gives the directory."""

    def start(name, *values):
        zsl_run(*TUNED, *values, f"name={name}")
        return tmp_path / "outputs/sgal/toy" / name

    return start


@pytest.fixture
def score(zsl_run):
    """Return what scores a run."""
    return lambda *arguments, code=0: zsl_run(*map(str, arguments), code=code, module="zsl_runner.evaluate.cli")


def content(directory):
    """Return every file of a run but its scores and its lock."""
    files = [path for path in directory.rglob("*") if path.is_file() and path.name != ".lock"]
    return {path: path.read_bytes() for path in files if path.parent.name != "evaluations"}


def test_the_scores_are_those_of_a_run_that_had_these_settings(run, score):
    plain, other = run("plain"), run("other", *OTHERS)
    before = content(plain)
    wanted = [recorded(directory)["validation"] for directory in (plain, other)]
    assert wanted[0] != wanted[1]
    as_it_is = json.loads(score(plain, "--json").stdout)
    changed = json.loads(score(plain, OTHERS[0], "--json", OTHERS[1]).stdout)
    assert [as_it_is["metrics"], changed["metrics"]] == wanted
    assert (as_it_is["settings"], changed["settings"]) == ([], OTHERS)
    assert f"tune stage, finished, scored with {' '.join(OTHERS)}" in score(plain, *OTHERS).stdout.splitlines()
    kept = sorted((plain / "evaluations").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert [json.loads(path.read_text())["settings"] for path in kept] == [[], OTHERS, OTHERS]
    assert content(plain) == before


def test_several_values_are_compared(run, score, tmp_path):
    directory = run("plain")
    several = ("evaluator.classifier.lr=0.03,0.003", OTHERS[0], "evaluator.classifier.epochs=3,1")
    text = score(directory, *several).stdout
    kept = sorted((directory / "evaluations").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    lines = [line.split() for line in text.splitlines()[-5:]]
    assert lines[0][:2] == ["evaluator.classifier.lr", "evaluator.classifier.epochs"]
    assert [line[:2] for line in lines[1:]] == [["0.03", "3"], ["0.03", "1"], ["0.003", "3"], ["0.003", "1"]]
    for line, path in zip(lines[1:], kept, strict=True):
        metrics = json.loads(path.read_text())["metrics"]
        assert dict(zip(lines[0][2:], line[2:], strict=True)) == {tag: f"{metrics[tag]:.2f}" for tag in metrics}
    both = json.loads(score(directory, several[0], OTHERS[0], "--json").stdout)
    assert [scores["metrics"] for scores in both] == [json.loads(kept[i].read_text())["metrics"] for i in (0, 2)]
    table = tmp_path / "rows.csv"
    assert "give one value of each key" in score(directory, *several, "--predictions", table, code=2).stderr
    assert not table.exists()
    score(directory, OTHERS[0], "--predictions", table)
    assert "val_seen" in table.read_text()


def test_no_setting_is_tried_on_test_rows(run, score):
    directory = run("final", "evaluator.stages=[tune,final]")
    done = score(directory, OTHERS[0], code=2)
    assert "a setting tried there is chosen on test labels" in done.stderr
    assert f"--config-path {directory} --config-name config 'evaluator.stages=[tune]'" in done.stderr
    assert not (directory / "evaluations").exists()


def test_what_cannot_be_changed_is_told_at_once(run, score):
    directory = run("plain")
    wrong = {
        "evaluator=zsl": "stays the run's own",
        "evaluator.oracle=true": "looks at test rows",
        "evaluator.every=3": "says how a run is trained",
        "evaluator.stages=[tune,final]": "says how a run is trained",
        "model.latent_dim=3": f"zsl-run --config-path {directory} --config-name config model.latent_dim=3",
        "evaluator.classifier.lr=-1,0.1,-2": "found -2.0",
        "evaluator.classifier.lr_gzsl=interval(1,2)": "several values",
        "evaluator.clasifier.lr=1": "did you mean evaluator.classifier?",
        "evaluator.classifier.epochs=0": "expected",
        "evaluator.classifier.betas=[0.5]": "expected two decay rates, found 1",
        "nonsense": "not understood as key=value",
    }
    done = score(directory, *wrong, code=2)
    assert done.stderr.startswith(f"zsl-eval: {len(wrong) + 1} problems found; nothing was scored.")
    assert [message for message in wrong.values() if message not in done.stderr] == []
    assert not (directory / "evaluations").exists()
    assert "no such run directory" in score(directory / "no", OTHERS[0], code=2).stderr
