"""A run is composed no more often than it must be, and what runs is what was checked."""

import json
import os
import pickle
from collections import Counter

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl

from tests.config.stand_in import complete
from tests.slow import slow_if
from zsl_runner.config import compose
from zsl_runner.config.identity import flatten
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.store import register
from zsl_runner.config.sweep import told
from zsl_runner.config.typed import to_yaml
from zsl_runner.sweeps import command


@pytest.fixture
def compositions(monkeypatch):
    """Count how often Hydra composes, by mode, and how often defaults lists are followed for the check (layers)."""
    count = Counter()
    original, follow = ConfigLoaderImpl._load_configuration_impl, compose.create_defaults_list

    def counted(self, **arguments):
        count[arguments["run_mode"].name] += 1
        return original(self, **arguments)

    def followed(*arguments, **named):
        count["layers"] += 1
        return follow(*arguments, **named)

    monkeypatch.setattr(ConfigLoaderImpl, "_load_configuration_impl", counted)
    monkeypatch.setattr(compose, "create_defaults_list", followed)
    return count


def test_a_run_is_composed_twice_once_to_name_all_mistakes_and_once_strictly(main, compositions):
    assert main("dataset=toy", "model=vzsl") == 0
    assert compositions == {"layers": 1, "RUN": 1}


def test_a_check_and_a_resumed_run_are_not_composed_more_often(main, compositions, tmp_path, verdict):
    assert main("dataset=toy", "model=vzsl", "task=check") == 0
    assert compositions == {"layers": 1, "RUN": 1}
    config = verdict("dataset=toy", "model=vzsl", "seed=5").config
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text(to_yaml(config))
    compositions.clear()
    assert main(f"resume={tmp_path}/run") == 0
    assert compositions == {"RUN": 1}  # for Hydra's own settings; the run's are the saved ones


def test_a_job_of_a_sweep_is_composed_once_and_the_check_follows_shared_files_once(main, compositions):
    assert main("-m", "dataset=toy", "seed=0,1,2") == 0
    assert compositions == {"layers": 1, "MULTIRUN": 2, "RUN": 1 + 3}
    compositions.clear()
    assert main("-m", "dataset=toy", "model=sgal,vzsl", "seed=3") == 0
    assert compositions == {"layers": 2, "MULTIRUN": 2, "RUN": 1 + 2}


def test_the_very_object_that_was_checked_runs(main, monkeypatch):
    checked = []
    original = command.check
    monkeypatch.setattr(command, "check", lambda *a, **k: checked.append(original(*a, **k)) or checked[-1])
    assert main("dataset=toy", "model=vzsl") == 0
    ((_, config, _),) = main.calls
    assert config is checked[0].config


@pytest.mark.parametrize("sign", slow_if(["", "+"], ["", "+", "++"]))
def test_every_job_of_a_sweep_finds_what_was_checked(main, tmp_path, sign):
    arguments = ["dataset='toy'", f"{sign}model.prior.hidden=[8, 4]", "outputs='o 1'", "name='a, b'"]
    assert main("-m", *arguments, "trainer=em,em_released", "seed=range(2)", "hydra.verbose=false") == 0
    (plan,) = (tmp_path / "o 1" / ".sweeps").glob("*/sweep.json")
    checked = json.loads(plan.read_text())["checked"]
    notes = [json.loads(file.read_text()) for file in plan.parent.glob("job-*.json")]
    assert {told(note["overrides"]) for note in notes} == checked.keys()
    assert len(set(checked.values())) == len(notes) == 4


def test_a_job_is_refused_if_it_is_not_what_was_checked(main, monkeypatch, capsys):
    monkeypatch.setenv("WIDTH", "8")

    def change(config):
        os.environ["WIDTH"] = "9"
        return complete(config)

    width = "model.latent_dim=${oc.env:WIDTH}"
    assert main("-m", "dataset=toy", width, "seed=0,1", act=change) == 1
    assert [(config.seed, config.model.latent_dim) for _, config, _ in main.calls] == [(0, 8)]
    assert "not the one that was checked before the sweep" in capsys.readouterr().err


def test_the_loader_goes_along_to_workers():
    register()
    loader = Loader(Source(conf_directory()))
    settings = loader.sweep_settings(["dataset=toy", "seed=0,1"])
    master = settings._get_parent()
    there = pickle.loads(pickle.dumps(loader))
    composed = [each.load_sweep_config(master, ["dataset=toy", "seed=1"]) for each in (loader, there)]
    assert flatten(composed[0].model) == flatten(composed[1].model) != {}
    assert [config.seed for config in composed] == [1, 1]
