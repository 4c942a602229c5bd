"""Studies on disk: what is left to do, what was found, and one that another version of Optuna keeps."""

import shlex
import sqlite3

import optuna
import pytest
from omegaconf import OmegaConf

from zsl_runner.config.check import check
from zsl_runner.config.command import read
from zsl_runner.config.loader import Loader
from zsl_runner.config.seeds import following
from zsl_runner.config.sweep import columns, expand
from zsl_runner.config.typed import to_yaml
from zsl_runner.errors import ConfigError
from zsl_runner.sweeps import command
from zsl_runner.sweeps.best import found
from zsl_runner.sweeps.notes import Note, Plan, read_notes
from zsl_runner.sweeps.prepare import prepared
from zsl_runner.sweeps.study import go_on

NAME, KEY = "tpe-eszsl-toy-0", "model.feature_penalty"


def storage(folder):
    return f"sqlite:///{folder}/study.db"


def make(folder, directions=("maximize",)):
    return optuna.create_study(study_name=NAME, storage=storage(folder), directions=list(directions))


def add(study, sweep, number, penalty, values, config=None):
    """Add a finished trial and the note of its job; with a configuration also its run."""
    study.add_trial(
        optuna.trial.create_trial(
            params={KEY: penalty},
            distributions={KEY: optuna.distributions.FloatDistribution(0.0, 9.0)},
            values=list(values),
        )
    )
    run = sweep / f"run-{number}"
    if config is not None:
        run.mkdir(parents=True)
        (run / "config.yaml").write_text(to_yaml(config))
    Plan("zsl-run", [KEY], study=NAME).save(sweep / ".sweeps" / f"at-{number}")
    Note(number, ["model=eszsl", f"{KEY}={penalty}"], str(run)).save(sweep / ".sweeps" / f"at-{number}")
    return run


@pytest.fixture
def config(loader):
    return check(loader, ["dataset=toy", "model=eszsl", "evaluator.stages=[tune]"], strictly=False).config


def test_the_best_trial_its_run_and_the_command_that_trains_it_over_seeds(tmp_path, config):
    study = make(tmp_path)
    add(study, tmp_path, 0, 0.5, [60.0], config)
    best = add(study, tmp_path, 1, 0.1 + 0.2, [65.26], config)
    Plan("zsl-run", [KEY], study="another").save(tmp_path / ".sweeps" / "a")
    Note(0, [f"{KEY}={0.1 + 0.2}"], str(tmp_path / "run-0")).save(tmp_path / ".sweeps" / "a")
    told = found(NAME, storage(tmp_path), tmp_path / ".sweeps", config).splitlines()
    assert told[0] == f"study {NAME}: 2 of 2 trials with a result"
    assert told[1:3] == [f"best val/H 65.3: {KEY}=0.30000000000000004", f"  run {best}"]
    command = read(shlex.split(told[-1])[1:])
    assert f"name={NAME}" in command.overrides
    assert command.several
    chosen = [override for override in command.overrides if not override.startswith("seed=")]
    verdict = check(Loader(command.source), [*chosen, "seed=3"], strictly=False)
    assert verdict.problems == ()
    assert (verdict.config.seed, list(verdict.config.evaluator.stages)) == (3, ["tune", "final"])


@pytest.mark.parametrize("existing", ["new", "retry"])
def test_the_command_over_seeds_is_one_run_for_each_and_repeats_none(tmp_path, config, existing):
    """A comma in a data set's name is part of the study's."""
    name = "tpe-eszsl-a, b-0"
    study = optuna.create_study(study_name=name, storage=storage(tmp_path), directions=["maximize"])
    config.existing = existing
    add(study, tmp_path, 0, 0.5, [60.0], config)
    Plan("zsl-run", [KEY], study=name).save(tmp_path / ".sweeps" / "a")
    Note(0, [f"{KEY}=0.5"], str(tmp_path / "run-0")).save(tmp_path / ".sweeps" / "a")
    told = found(name, storage(tmp_path), tmp_path / ".sweeps", config).splitlines()
    command = read(shlex.split(told[-1])[1:])
    loader = Loader(command.source)
    values = columns(loader, command.overrides, None)
    assert {key: len(column) for key, column in values.items() if len(column) > 1} == {"seed": 5}
    chosen = check(loader, expand(loader, command.overrides, None)[0], strictly=False).accepted()
    assert (chosen.name, chosen.existing) == (name, "auto")


def test_the_run_of_the_best_trial_has_all_of_its_values(tmp_path, config):
    """Another run of the search shares one of them."""
    floats = optuna.distributions.FloatDistribution(0.0, 9.0)
    params = {KEY: 1.0, "model.scale": 2.0}
    made = optuna.trial.create_trial(params=params, distributions=dict.fromkeys(params, floats), values=[60.0])
    make(tmp_path).add_trial(made)
    sweep = tmp_path / ".sweeps" / "now"
    Plan("zsl-run", list(params), study=NAME).save(sweep)
    for number, scale in enumerate((3.0, 2.0)):
        run = tmp_path / f"run-{number}"
        run.mkdir()
        (run / "config.yaml").write_text(to_yaml(config))
        Note(number, [f"{KEY}=1.0", f"model.scale={scale}"], str(run)).save(sweep)
    told = found(NAME, storage(tmp_path), tmp_path / ".sweeps", config).splitlines()
    assert told[2] == f"  run {tmp_path / 'run-1'}"


def test_a_damaged_configuration_of_the_best_run_is_told_below_the_result(tmp_path, config):
    run = add(make(tmp_path), tmp_path, 0, 0.5, [60.0], config)
    (run / "config.yaml").write_text("{")
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "step-000000001.pt").touch()
    told = found(NAME, storage(tmp_path), tmp_path / ".sweeps", config)
    assert f"best val/H 60.0: {KEY}=0.5\n  run {run}\nno command can train it over seeds: {run}/config.yaml" in told
    assert f"python -m zsl_runner.runs.restore {run}" in told


def test_a_search_that_goes_on_in_its_own_folder_knows_the_runs_of_its_first_part(tmp_path, config):
    folder = tmp_path / ".sweeps" / "at-0"
    best = add(make(tmp_path), tmp_path, 0, 0.5, [60.0], config)
    for number in range(2):
        Plan("zsl-run", [KEY], study=NAME).save(folder)
        Note(0, [f"{KEY}={number + 1.0}"], str(tmp_path)).save(folder)
    assert [note.overrides for note in read_notes(folder)] == [[f"{KEY}=2.0"]]
    assert f"run {best}" in found(NAME, storage(tmp_path), tmp_path / ".sweeps", config)
    Plan("zsl-run", [KEY]).save(folder)
    assert [file.name for file in folder.iterdir()] == ["sweep.json"]


def test_seeds_that_follow_the_runs_follow_it_in_the_command_over_seeds(tmp_path, loader):
    given = ["dataset=toy", "model=eszsl", "evaluator.stages=[tune]", "dataset.shots=1", "seed=2"]
    assert following(loader, given, check(loader, given, strictly=False).config) == []
    given.append("dataset.shots_seed=${seed}")
    config = check(loader, given, strictly=False).config
    assert following(loader, given, config) == ["dataset.shots_seed"]
    add(make(tmp_path), tmp_path, 0, 0.5, [60.0], config)
    told = found(NAME, storage(tmp_path), tmp_path / ".sweeps", config, ["dataset.shots_seed"]).splitlines()
    command = read(shlex.split(told[-1])[1:])
    runs = [check(Loader(command.source), run, strictly=False) for run in expand(loader, command.overrides, None)]
    assert [verdict.problems for verdict in runs] == [()] * 5
    assert [(run.config.seed, run.config.dataset.shots_seed) for run in runs] == [(seed, seed) for seed in range(5)]


def test_of_several_objectives_those_that_none_beats(tmp_path, config):
    config.objectives = ["val/U", "val/S"]
    study = make(tmp_path, ("maximize", "maximize"))
    for number, (penalty, values) in enumerate([(1.0, (50, 50)), (2.0, (60, 40)), (3.0, (40, 40))]):
        add(study, tmp_path, number, penalty, values)
    told = found(NAME, storage(tmp_path), tmp_path / ".sweeps", config)
    assert "trials that no other beats in all objectives: 2, shown 2" in told
    assert f"best val/U 50.0, val/S 50.0: {KEY}=1.0" in told
    assert f"{KEY}=3.0" not in told
    assert told.count("its run is no longer there") == 2
    assert "train it" not in told


def test_a_study_without_a_result(tmp_path, config):
    assert found(NAME, storage(tmp_path), tmp_path / ".sweeps", config) == ""
    make(tmp_path).ask()
    assert found(NAME, storage(tmp_path), tmp_path, config) == f"study {NAME}: 0 of 1 trials with a result"


def test_a_trial_cut_short_is_tried_again_with_its_values(tmp_path):
    study = make(tmp_path)
    study.tell(study.ask(), 1.0)
    study.ask({KEY: optuna.distributions.FloatDistribution(0.0, 9.0)})
    left = go_on(NAME, tmp_path / "study.db", 4, ["val/H"], ["maximize"])
    assert (left.trials, left.before) == (3, 3)
    assert left.message == f"study {NAME}: 1 of 4 trials done, 1 cut short and tried again"
    cut, again = study.get_trials()[1:]
    assert [cut.state.name, again.state.name] == ["FAIL", "WAITING"]
    assert again.system_attrs["fixed_params"] == cut.params


def test_a_study_that_goes_on_draws_other_trials_than_its_first(tmp_path, loader, config):
    sweeper = {"_target_": "OptunaSweeper", "study_name": NAME, "storage": storage(tmp_path), "n_trials": 9}
    settings = OmegaConf.create(
        {
            "sweep": {"dir": str(tmp_path / "now")},
            "sweeper": sweeper | {"sampler": {"seed": 5}, "direction": "maximize"},
        }
    )

    def decided():
        with prepared(settings, loader, [f"{KEY}=1,2"], {"": config}, "zsl-run") as sweep:
            return {key: value for key, _, value in (setting.partition("=") for setting in sweep.settings)}

    begun = decided()
    assert begun["hydra.sweeper.n_trials"] == "9"
    assert "hydra.sweeper.sampler.seed" not in begun
    study = optuna.load_study(study_name=NAME, storage=storage(tmp_path))
    for _ in range(3):
        study.tell(study.ask(), 1.0)
    again = decided()
    assert (again["hydra.sweeper.n_trials"], again["hydra.sweeper.sampler.seed"]) == ("6", "8")


def test_a_trial_that_failed_is_tried_again_once_if_asked(tmp_path):
    study, space = make(tmp_path), {KEY: optuna.distributions.FloatDistribution(0.0, 9.0)}
    study.tell(study.ask(), 1.0)
    study.tell(study.ask(space), state=optuna.trial.TrialState.FAIL)
    arguments = (NAME, tmp_path / "study.db", 4, ["val/H"], ["maximize"])
    assert go_on(*arguments).message == f"study {NAME}: 2 of 4 trials done"
    left = go_on(*arguments, retries=True)
    assert (left.trials, left.message) == (3, f"study {NAME}: 1 of 4 trials done, 1 failed and tried again")
    assert go_on(*arguments, retries=True).message == f"study {NAME}: 1 of 4 trials done"
    _, failed, again = study.get_trials()
    assert again.system_attrs["fixed_params"] == failed.params
    study.tell(study.ask(space), state=optuna.trial.TrialState.FAIL)
    assert go_on(*arguments, retries=True).message == f"study {NAME}: 1 of 4 trials done, 1 failed and tried again"


def test_a_new_study_knows_its_objectives_by_name(tmp_path):
    left = go_on(NAME, tmp_path / "study.db", 4, ["val/U", "val/NCLL"], ["maximize", "minimize"])
    assert (left.trials, left.before, left.message) == (4, 0, f"study {NAME}: new, 4 trials")
    study = optuna.load_study(study_name=NAME, storage=storage(tmp_path))
    assert study.metric_names == ["val/U", "val/NCLL"]
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]


def test_a_study_of_another_version_of_optuna_is_refused_with_what_to_do(tmp_path):
    make(tmp_path)
    with sqlite3.connect(tmp_path / "study.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'v2.6.0.a'")
        database.execute("UPDATE version_info SET library_version = '2.10.1'")
    with pytest.raises(ConfigError, match="another version of Optuna") as caught:
        go_on(NAME, tmp_path / "study.db", 4, ["val/H"], ["maximize"])
    assert f"'optuna storage upgrade --storage sqlite:///{tmp_path}/study.db'" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("objectives", "directions", "tried"),
    [(["val/U"], ["maximize"], True), (["val/U", "val/S"], ["maximize"] * 2, False), (["val/H"], ["minimize"], True)],
)
def test_a_study_that_optimises_something_else_is_refused_with_what_to_do(tmp_path, objectives, directions, tried):
    file = tmp_path / "study.db"
    go_on(NAME, file, 4, ["val/H"], ["maximize"])
    study = optuna.load_study(study_name=NAME, storage=storage(tmp_path))
    if tried:
        study.tell(study.ask(), 1.0)
    with pytest.raises(ConfigError, match=rf"study {NAME} is to maximize val/H, .*sweeper\.study_name") as caught:
        go_on(NAME, file, 4, objectives, directions)
    assert str(caught.value).startswith(f"{file}: ")
    assert f"this search to {directions[0]} {objectives[0]}" in str(caught.value)
    assert study.metric_names == ["val/H"]
    assert go_on(NAME, file, 4, ["val/H"], ["maximize"]).trials == 4 - tried


def test_a_study_without_a_trial_takes_another_objective(tmp_path):
    go_on(NAME, tmp_path / "study.db", 4, ["val/H"], ["maximize"])
    assert go_on(NAME, tmp_path / "study.db", 4, ["val/U"], ["maximize"]).before == 0
    assert optuna.load_study(study_name=NAME, storage=storage(tmp_path)).metric_names == ["val/U"]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (optuna.distributions.FloatDistribution(1, 4), optuna.distributions.FloatDistribution(1, 4, log=True)),
        (optuna.distributions.FloatDistribution(1, 4), optuna.distributions.CategoricalDistribution([1, 4])),
        (optuna.distributions.CategoricalDistribution([1, 2]), optuna.distributions.CategoricalDistribution([1, 4])),
    ],
)
def test_a_study_of_another_space_is_refused_with_what_to_do(tmp_path, loader, config, monkeypatch, before, now):
    study = make(tmp_path)
    study.tell(study.ask({KEY: before}), 1.0)
    sweeper = {"_target_": "OptunaSweeper", "study_name": NAME, "storage": storage(tmp_path), "n_trials": 9}
    sweeper |= {"sampler": {"seed": 5}, "direction": "maximize"}
    settings = OmegaConf.create({"sweep": {"dir": str(tmp_path / "now")}, "sweeper": sweeper})
    monkeypatch.setattr(command, "_started", lambda *_: study.ask({KEY: now}))
    asked = read(["-m", "dataset=toy", "model=eszsl", f"{KEY}=1,4"])
    with pytest.raises(ConfigError, match=rf"^study {NAME} has tried other .*hydra\.sweeper\.study_name"):
        command._sweep(asked, loader, settings, {"": config})
