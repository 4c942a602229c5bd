"""Searches: what the check refuses, and that a killed study goes on."""

import json
import os
import subprocess
import sys

import pytest
from omegaconf import OmegaConf

from tests.launching.conftest import FAST, TRAINED
from tests.launching.processes import COMMAND, environment, needs, read, start, wait_until
from zsl_runner.config.check import check
from zsl_runner.config.sweep import check_search, columns, kinds, measure_alike
from zsl_runner.data.command.synthesis import synthesize
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.errors import ConfigError, ObjectiveError
from zsl_runner.report.collect import collect
from zsl_runner.report.table import build
from zsl_runner.runs.objective import objective
from zsl_runner.runs.repeated import find
from zsl_runner.runs.result import Result
from zsl_runner.runs.start import launch
from zsl_runner.sweeps.notes import Note, Plan
from zsl_runner.sweeps.study import name_of
from zsl_runner.sweeps.watch import Watched

SEARCH = needs("hydra_optuna_sweeper", "search")
POOL = needs("hydra_joblib_launcher", "pool")


@pytest.fixture
def config(loader):
    def of(*arguments):
        return check(loader, ["dataset=toy", "model=eszsl", *arguments], strictly=False).accepted()

    return of


def settings(direction):
    return OmegaConf.create({"sweeper": {"direction": direction}})


SPACE = {"model.feature_penalty": ["model.feature_penalty=1", "model.feature_penalty=2"]}


def test_a_search_that_fits(config):
    assert check_search(settings("maximize"), SPACE, config()) == []
    several = config("objectives=[val/U,val/S]")
    assert check_search(settings(["maximize", "maximize"]), SPACE, several) == []


@pytest.mark.parametrize(
    ("direction", "space", "arguments", "expected"),
    [
        ("maximize", {"seed": ["seed=0"]}, [], "nothing to search"),
        ("minimize", SPACE, [], "of val/H the larger value is better: expected maximize, found minimize"),
        ("maximize", SPACE, ["objectives=[val/U,val/S]"], "one direction for each of the objectives val/U, val/S"),
        ("maximize", SPACE, ["evaluator.stages=[final]", "evaluator.calibration=none"], "a search needs validation"),
    ],
)
def test_a_search_that_does_not(config, direction, space, arguments, expected):
    (problem,) = check_search(settings(direction), space, config(*arguments))
    assert expected in problem.message


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("n_jobs", 0, "expected at least 1, found 0"),
        ("n_trials", -1, "expected at least 1, found -1"),
        ("max_failure_rate", 0.5, "has no effect"),
        ("max_failure_rate", 1.5, "has no effect"),
        ("storage", "sqlite://", "expected sqlite:///FILE or null, found sqlite://"),
        ("storage", "sqlite:///:memory:", "expected sqlite:///FILE or null"),
    ],
)
def test_a_search_whose_sweeper_cannot_work(config, key, value, expected):
    fits = {"direction": "maximize", "n_jobs": 1, "n_trials": 1, "max_failure_rate": 1.0, "storage": None}
    for good in (fits, fits | {"max_failure_rate": None, "storage": "sqlite:///a/study.db"}):
        assert check_search(OmegaConf.create({"sweeper": good}), SPACE, config()) == []
    (problem,) = check_search(OmegaConf.create({"sweeper": fits | {key: value}}), SPACE, config())
    assert problem.key == f"hydra.sweeper.{key}"
    assert expected in problem.message


def test_smaller_is_better_where_the_metric_says_so(loader):
    verdict = check(loader, ["dataset=digits_quadrant", "model=cvae_pairs"], strictly=False)
    assert verdict.config.evaluator.select_metric == "val/NCLL"
    assert check_search(settings("minimize"), SPACE, verdict.config) == []
    assert len(check_search(settings("maximize"), SPACE, verdict.config)) == 1


def test_no_search_goes_by_what_only_describes(loader):
    arguments = ["dataset=digits_images", "model=joint_vae", "dataset.side=32", "objectives=[val/KL_z]"]
    verdict = check(loader, arguments, strictly=False)
    (problem,) = check_search(settings("maximize"), SPACE, verdict.config)
    assert (problem.key, problem.message) == ("objectives", "no value of val/KL_z is better than another")


@pytest.mark.parametrize("name", ["test/H", "oracle/H", "H"])
def test_objectives_never_look_at_test_data(loader, name):
    verdict = check(loader, ["dataset=toy", "model=eszsl", f"objectives=[val/U,{name}]"], strictly=False)
    (problem,) = verdict.problems
    assert problem.key == "objectives"
    assert f"found {name}" in problem.message
    assert "val/H" in problem.message


def test_objectives_are_different_metrics(loader):
    names = "objectives=[val/U,val/H,val/U]"
    (problem,) = check(loader, ["dataset=toy", "model=eszsl", names], strictly=False).problems
    assert (problem.key, problem.message) == ("objectives", "expected different metrics, found val/U more than once")


def result(**validation):
    measured = {f"val/{key}": value for key, value in validation.items()}
    return Result("complete", "m", "d", "t", 0, "hash", validation=measured)


def test_the_objective_is_what_was_measured_on_validation_data(config):
    assert objective(result(H=3.0, U=1.0), config()) == 3.0
    assert objective(result(H=3.0, U=1.0, S=2.0), config("objectives=[val/S,val/U]")) == [2.0, 1.0]
    assert objective(result(H=float("nan")), config()) is None
    assert objective(result(), config()) is None
    with pytest.raises(ObjectiveError, match=r"objectives: val/X was not measured .* measured: val/H"):
        objective(result(H=3.0), config("objectives=[val/X]"))


@pytest.fixture
def trained(loader, tmp_path):
    def of(*arguments):
        return check(loader, [*TRAINED, f"outputs='{tmp_path}'", *arguments], strictly=False).accepted()

    return of


def test_a_run_of_a_search_ends_at_its_first_validation_without_its_objective(trained, tmp_path):
    message = r"^objectives: val/AUC was .* \(did you mean val/AUSUC\?\); .*: val/T1, "
    for _ in range(2):
        config = trained("objectives=[val/AUC,val/H]")
        with pytest.raises(ObjectiveError, match=message):
            launch(config, [], find(config), study="s")
        (directory,) = (tmp_path / "sgal" / "toy").iterdir()
        failed = Result.load(directory)
        assert (failed.status, failed.error["type"]) == ("failed", "ObjectiveError")
        assert max(file.name for file in directory.glob("checkpoints/*.pt")) < "step-000000020.pt"  # where it validates
    config = trained("objectives=[val/AUSUC]")
    assert launch(config, [], find(config), study="s").status == "complete"  # nothing else ailed the failed run
    assert list((tmp_path / "sgal" / "toy").iterdir()) == [directory]


def test_a_run_on_its_own_has_no_objective_to_look_for(trained):
    assert launch(trained("objectives=[val/AUC]"), []).status == "complete"


@pytest.mark.parametrize(
    "parts",
    [
        ["dataset=toy_tasks", "model=cosine_heads"],
        pytest.param(["dataset=split_digits", "dataset.n_tasks=2", "model=task_heads"], marks=pytest.mark.slow),
    ],
)
def test_an_objective_that_only_later_validations_measure(loader, tmp_path, parts):
    arguments = [*parts, "trainer=finetune", "trainer.iterations=4", f"outputs='{tmp_path}'"]
    config = check(loader, [*arguments, "objectives=[val/forg_tag]"], strictly=False).config
    assert "val/forg_tag" in launch(config, [], study="s").validation


class OneJob:
    """A launcher whose job leaves a note."""

    def __init__(self, note):
        self.note = note

    def launch(self, overrides, number):
        self.note.save(self.folder)
        return [overrides]


@pytest.mark.parametrize("alike", [True, False])
@pytest.mark.parametrize("lacks", [True, False])
def test_a_search_ends_if_none_of_its_trials_can_have_the_objective(tmp_path, alike, lacks):
    Plan(study="s", alike=alike).save(tmp_path)
    launcher = OneJob(Note(0, [], error="ObjectiveError: objectives: val/X was not", lacks_objective=lacks))
    launcher.folder = tmp_path
    if alike and lacks:
        with pytest.raises(ConfigError, match=r"^objectives: val/X was not; all trials measure the same, so the sea"):
            Watched(launcher, tmp_path).launch(["a"], 0)
    else:
        assert Watched(launcher, tmp_path).launch(["a"], 0) == [["a"]]


@pytest.mark.parametrize(
    ("key", "tried", "alike"),
    [
        ("trainer.optim.lr", ["1e-4", "1e-2"], True),
        ("++trainer.optim.lr", ["1e-4", "1e-2"], True),
        ("seed", ["0", "1"], True),
        ("model", ["sgal", "vzsl"], False),
        ("evaluator.every", ["10", "20"], False),
        ("trainer.alpha", ["0.0", "1.0"], False),
        ("model.deviation", ["none", "global"], False),
        ("evaluator.select", ["val"], True),
    ],
)
def test_which_trials_measure_the_same(key, tried, alike):
    assert measure_alike({key: [f"{key}={value}" for value in tried]}) is alike


@pytest.mark.launcher
@SEARCH
@pytest.mark.parametrize(
    "launcher",
    [[], pytest.param(["hydra/launcher=pool", "hydra.launcher.n_jobs=2", "hydra.sweeper.n_jobs=2"], marks=POOL)],
)
def test_an_objective_that_nobody_measures_ends_a_search_at_once(tmp_path, launcher):
    arguments = ["sweep=tpe", "hydra.sweeper.n_trials=6", "seed=0", "trainer.optim.lr=interval(1e-4,1e-3)"]
    process, log = start(tmp_path, *TRAINED, *arguments, "objectives=[val/AUC]", *launcher)
    assert process.wait(timeout=300) == 2, log.seek(0) or log.read()
    log.seek(0)
    printed = log.read()
    assert "zsl-run: objectives: val/AUC was not measured on validation data (did you mean val/AUSUC?); " in printed
    assert "Traceback" not in printed
    begun = read(tmp_path)
    assert len(begun) == max(1, 2 * bool(launcher))
    assert {record["status"] for record in begun.values()} == {"failed"}
    process, log = start(tmp_path, *TRAINED, *arguments, "objectives=[val/AUSUC]", *launcher)
    assert process.wait(timeout=300) == 0, log.seek(0) or log.read()
    assert begun.keys() <= read(tmp_path).keys()


def test_a_run_records_the_study_it_belongs_to(config, tmp_path):
    searched = config(f"outputs='{tmp_path}'", "tracker=minimal")
    assert launch(searched, [], study="tpe-1").study == "tpe-1"
    (file,) = tmp_path.rglob("result.json")
    assert Result.load(file).study == "tpe-1"
    assert launch(searched, []).study == ""


def test_a_study_on_other_data_is_another_study(config, tmp_path):
    searched = OmegaConf.create({"sweeper": {"sampler": {}, "direction": "maximize"}, "runtime": {"choices": {}}})
    names = []
    for number in (0, 1):
        synthesize(tmp_path / f"data_{number}", ToyConf(name="toy", data_seed=number))
        own = ("dataset=xlsa17", "dataset.name=mine", f"dataset.root='{tmp_path}/data_{number}'")
        names.append(name_of(searched, SPACE, config(*own)))
        assert name_of(searched, SPACE, config(*own, "outputs=elsewhere")) == names[-1]
    assert names[0] != names[1]
    (tmp_path / "data_1").rename(tmp_path / "moved")
    moved = config("dataset=xlsa17", "dataset.name=mine", f"dataset.root='{tmp_path}/moved'")
    assert name_of(searched, SPACE, moved) == names[1]


def test_a_study_of_long_names_has_one_that_a_folder_can_have(config, tmp_path):
    searched = OmegaConf.create({"sweeper": {"sampler": {}, "direction": "maximize"}, "runtime": {"choices": {}}})
    names = {name_of(searched, SPACE, config(f"dataset.name='{letter * 200}{end}'")) for letter in "xé" for end in "12"}
    assert len(names) == 4
    for name in names:
        (tmp_path / name).mkdir()


def test_a_study_of_values_swept_in_another_way_is_another_study(config, loader):
    """Optuna refuses to go on with one whose distributions are of another kind."""
    searched = OmegaConf.create({"sweeper": {"sampler": {}, "direction": "maximize"}, "runtime": {"choices": {}}})

    def name(space):
        given = [f"model.feature_penalty={space}"]
        return name_of(searched, columns(loader, given, searched), config(), kinds(given, searched))

    spaces = ("interval(1,4)", "tag(log,interval(1,4))", "choice(1,2,3)", "range(1,4)")
    assert len({name(space) for space in spaces}) == 4
    for space, plain in (("interval(1,4)", ["1.0", "4.0"]), ("choice(1,2,3)", ["1", "2", "3"])):
        values = {"model.feature_penalty": [f"model.feature_penalty={value}" for value in plain]}
        assert name(space) == name_of(searched, values, config())  # what it was


def study_of(folder):
    import optuna

    (file,) = folder.glob("outputs/.sweeps/*/study.db")
    return optuna.load_study(study_name=file.parent.name, storage=f"sqlite:///{file}")


def trials(folder):
    return study_of(folder).get_trials()


@pytest.mark.parametrize("arguments", [["dataset=toy", "model=eszsl"], ["dataset=digits_quadrant", "model=cvae_pairs"]])
@SEARCH
def test_the_runs_of_a_search_read_no_test_rows_unless_asked(loader, arguments):
    searched = check(loader, ["sweep=tpe", *arguments], strictly=False, alone=False)
    assert searched.problems == ()
    assert list(searched.config.evaluator.stages) == ["tune"]
    every = ",".join(type(searched.config.evaluator)().stages)
    asked = check(loader, ["sweep=tpe", f"evaluator.stages=[{every}]", *arguments], strictly=False, alone=False)
    assert list(asked.config.evaluator.stages) == every.split(",")


@pytest.mark.launcher
@SEARCH
def test_a_killed_study_goes_on(tmp_path):
    trained = [argument for argument in TRAINED if "latent_dim" not in argument]
    arguments = [*trained, "sweep=tpe", "hydra.sweeper.n_trials=4", "seed=0", "model.latent_dim=range(3,60)"]
    process, log = start(tmp_path, *arguments)
    wait_until(lambda: len([r for r in read(tmp_path).values() if r["status"] == "complete"]) >= 2)
    wait_until(lambda: any(r["status"] == "running" and r["steps"] > 20 for r in with_steps(tmp_path)))
    process.kill()
    process.wait()
    before = with_steps(tmp_path)
    (cut,) = [record for record in before if record["status"] == "running"]

    process, log = start(tmp_path, *arguments)
    assert process.wait(timeout=500) == 0, log.seek(0) or log.read()
    log.seek(0)
    printed = log.read()
    assert f"{len(before) - 1} of 4 trials done, 1 cut short and tried again" in printed
    assert "trials with a result\nbest val/H " in printed
    assert "train it over seeds, and test it:\n  zsl-run -m --config-path " in printed
    runs = read(tmp_path)
    assert {record["status"] for record in runs.values()} == {"complete"}
    findings = collect([tmp_path / "outputs"])
    assert [run.result.study for run in findings.runs] == [study_of(tmp_path).study_name] * len(runs)
    (row,) = build(findings).blocks[0].rows
    assert row.tried == len(runs)  # a search, although the values of one key fill any grid
    assert cut["name"] in runs  # in place
    found = trials(tmp_path)
    complete = [trial for trial in found if trial.state.name == "COMPLETE"]
    assert [trial.state.name for trial in found].count("FAIL") == 1
    assert len(complete) == 4
    assert len({trial.params["model.latent_dim"] for trial in complete}) == len(runs)
    validated = sorted(record["validation"]["val/H"] for record in runs.values())
    assert sorted({trial.value for trial in complete}) == sorted(set(validated))

    process, log = start(tmp_path, *arguments)
    assert process.wait(timeout=300) == 0
    log.seek(0)
    assert "4 of 4 trials done" in log.read()
    assert len(trials(tmp_path)) == len(found)


def with_steps(folder):
    found = []
    for file in folder.glob("outputs/*/*/*/result.json"):
        steps = [int(path.stem.split("-")[1]) for path in file.parent.glob("checkpoints/step-*.pt")]
        record = json.loads(file.read_text())
        found.append({"name": file.parent.name, "status": record["status"], "steps": max(steps, default=0)})
    return found


@pytest.mark.launcher
@SEARCH
def test_several_objectives_and_a_failing_trial(tmp_path):
    process, log = start(
        tmp_path,
        *FAST,
        "sweep=tpe",
        "hydra.sweeper.n_trials=3",
        "model.feature_penalty=interval(0.1,10)",
        "objectives=[val/U,val/S]",
        "hydra.sweeper.direction=[maximize,maximize]",
    )
    assert process.wait(timeout=300) == 0, log.seek(0) or log.read()
    log.seek(0)
    assert log.read().partition("trials with a result")[0].count("val/U ") == 3
    assert [len(trial.values) for trial in trials(tmp_path)] == [2, 2, 2]


@pytest.mark.launcher
@SEARCH
@pytest.mark.parametrize("kept", [[], ["hydra.sweeper.storage=null"]])
def test_a_search_without_any_result_says_so(tmp_path, kept):
    arguments = [*TRAINED, "sweep=tpe", "hydra.sweeper.n_trials=2", "trainer.optim.lr=interval(1e29,1e30)", *kept]
    for again in ([], [], ["existing=retry"]):
        process, log = start(tmp_path, *arguments, *again)
        assert process.wait(timeout=300) == 1, log.seek(0) or log.read()
        log.seek(0)
        printed = log.read()
        assert "zsl-run: no trial of this search has a result; " in printed
        assert "Traceback" not in printed
        assert "a bug" not in printed
        if not kept:
            assert ("2 failed and tried again" in printed) is bool(again)


def test_a_missing_plugin_is_named_with_its_extra(tmp_path):
    if not SEARCH.args[0]:
        pytest.skip("the extra search is installed")
    done = subprocess.run(
        [sys.executable, *COMMAND, "sweep=tpe", *FAST],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'zsl-run[search]'" in done.stderr
    assert os.listdir(tmp_path) == []


def test_no_search_of_a_key_that_its_preset_fixes(config, loader):
    preset = {"model.feature_penalty": 2}
    made = OmegaConf.create({"sweeper": {"direction": "maximize", "params": preset}})
    values = columns(loader, ["model.feature_penalty=choice(1,4)"], made)
    (problem,) = check_search(made, values, config())
    assert problem.key == "model.feature_penalty"
    assert problem.message.startswith("hydra.sweeper.params fixes it at 2, ")
    preset["model.feature_penalty"] = "choice(1,2)"
    made.sweeper.params = preset
    assert check_search(made, columns(loader, ["model.feature_penalty=choice(1,4)"], made), config()) == []


@pytest.mark.parametrize("mark", ["", "++"])
def test_no_search_chooses_the_rows_it_is_validated_on(config, mark):
    seeds = {f"{mark}dataset.validation_seed": [f"{mark}dataset.validation_seed={seed}" for seed in (0, 1)]}
    (problem,) = check_search(settings("maximize"), SPACE | seeds, config())
    assert problem.key == "dataset.validation_seed"
    assert check_search(settings("maximize"), SPACE | {"dataset.holdout": ["dataset.holdout=0.2"]}, config()) == []


def test_the_smaller_error_of_a_class_prior_is_the_better_one(loader):
    arguments = ["dataset=toy", "model=bi_vaegan", "trainer.class_prior=cpe", "objectives=[val/prior_error]"]
    config = check(loader, arguments, strictly=False).accepted()
    assert check_search(settings("minimize"), SPACE, config) == []
    assert len(check_search(settings("maximize"), SPACE, config)) == 1
