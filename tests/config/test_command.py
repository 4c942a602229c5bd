"""The command itself: what it hands to runs and sweeps, how failures are told, exit codes, and Hydra's own words."""

import logging
import os
import subprocess
import sys
import warnings

import pytest

from tests.config.stand_in import complete, failing, left
from zsl_runner.config.typed import to_yaml
from zsl_runner.errors import ConfigError, DataError


def test_a_run_gets_its_typed_configuration_and_its_overrides(main, tmp_path):
    assert main("dataset=toy", "model=vzsl", "seed=3") == 0
    ((kind, config, overrides),) = main.calls
    assert (kind, config.model.kind, config.seed) == ("new", "vzsl", 3)
    assert overrides == ["dataset=toy", "model=vzsl", "seed=3"]
    assert left(tmp_path) == ["outputs"]


def test_resume_hands_over_the_directory(main, tmp_path, verdict):
    directory = tmp_path / "away" / "run"
    directory.mkdir(parents=True)
    (directory / "config.yaml").write_text(to_yaml(verdict("dataset=toy", "model=vzsl", "seed=5").config))
    assert main(f"resume={directory}", "tracker.figures=false") == 0
    ((found, config, _),) = main.calls
    assert found == directory
    assert (config.seed, config.model.kind, config.tracker.figures) == (5, "vzsl", False)
    assert left(tmp_path) == ["away", "away/run", "away/run/config.yaml"]


def test_a_replay_leaves_nothing_of_hydras(main, tmp_path, verdict):
    directory = tmp_path / "run"
    directory.mkdir()
    (directory / "config.yaml").write_text(to_yaml(verdict("dataset=toy", "model=vzsl", "seed=5").config))
    assert main("--config-path", str(directory), "--config-name", "config", "seed=6", "outputs=runs") == 0
    ((_, config, overrides),) = main.calls
    assert (config.seed, config.model.kind, overrides) == (6, "vzsl", ["seed=6", "outputs=runs"])
    assert left(tmp_path) == ["run", "run/config.yaml", "runs"]
    assert main("--config-path", str(directory), "--config-name", "config", "outputs=runs", "-m", "seed=7,8") == 0
    assert [config.seed for _, config, _ in main.calls] == [6, 7, 8]


def test_a_failed_run_gives_one_message_and_exit_code_1(main, capsys):
    assert main("dataset=toy", act=failing(DataError("the file is damaged"))) == 1
    assert capsys.readouterr().err == "zsl-run: the file is damaged\n"


def test_a_configuration_refused_late_exits_with_2(main, capsys):
    assert main("dataset=toy", act=failing(ConfigError("no such device after all"))) == 2
    assert capsys.readouterr().err == "zsl-run: no such device after all\n"


def test_an_interrupted_run_exits_with_130(main):
    assert main("dataset=toy", act=failing(KeyboardInterrupt())) == 130


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device", "/data/x"), "/data/x: No space left on device"),
        (MemoryError(), "not enough memory: nothing is left"),
        (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
    ],
)
def test_what_the_system_causes_is_one_line(main, capsys, error, line):
    assert main("dataset=toy", act=failing(error)) == 1
    told = capsys.readouterr().err
    assert line in told
    assert told.count("\n") == 1


def test_the_traceback_of_an_error_nobody_foresaw_is_kept_and_its_file_named(main, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("ZSL_CACHE", str(tmp_path / "cache"))
    assert main("dataset=toy", act=failing(ZeroDivisionError("oh"))) == 1
    told = capsys.readouterr().err
    (file,) = (tmp_path / "cache" / "errors").iterdir()
    assert "ZeroDivisionError: oh" in told
    assert str(file) in told
    assert "Traceback" not in told
    kept = file.read_text()
    assert "command: zsl-run dataset=toy" in kept
    assert "versions: zsl-run " in kept
    assert "Traceback" in kept


def test_a_traceback_that_cannot_be_kept_is_shown(main, capsys, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZSL_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file" / "below"))
    assert main("dataset=toy", act=failing(ZeroDivisionError("oh"))) == 1
    assert "Traceback" in capsys.readouterr().err


def test_every_traceback_is_shown_on_request(main, capsys, monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    assert main("dataset=toy", act=failing(DataError("the file is damaged"))) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_sweep_is_checked_before_its_first_run(main, capsys, tmp_path):
    assert main("-m", "dataset=toy", "seed=0,1", "model.latent_dim=4,0,-1") == 2
    errors = capsys.readouterr().err
    assert "2 problems found" in errors  # one for each wrong value, not for each run
    assert main.calls == []
    assert left(tmp_path) == []


def test_a_sweep_runs_everything_although_one_run_fails(main, capsys, tmp_path):
    assert main("-m", "dataset=toy", "seed=0,1,2", act=failing(DataError("bad luck"), seeds=(1,))) == 1
    assert [config.seed for _, config, _ in main.calls] == [0, 1, 2]
    told = capsys.readouterr()
    assert "zsl-run: bad luck" in told.err
    assert "job 1: DataError: bad luck" in told.out
    assert "Traceback" not in told.err
    (sweep,) = (tmp_path / "outputs" / ".sweeps").iterdir()
    assert left(sweep) == ["job-0000.json", "job-0001.json", "job-0002.json", "multirun.yaml", "sweep.json"]


def test_a_glob_chooses_among_options_in_folders(main):
    assert main("-m", "experiment=glob(sgal/*awa1)", "dataset=toy") == 0
    assert [(config.model.name, overrides[0]) for _, config, overrides in main.calls] == [
        ("sgal", "experiment=sgal/awa1"),
        ("sgal_released", "experiment=sgal/released_awa1"),
    ]


@pytest.mark.parametrize("replayed", [False, True])
def test_what_hydra_and_a_run_have_to_say_is_no_result(main, tmp_path, verdict, capsys, replayed):
    config = verdict("dataset=toy").config
    (tmp_path / "config.yaml").write_text(to_yaml(config))

    def warn(config):
        logging.getLogger("zsl_runner").warning("a word of seed %d", config.seed)
        return complete(config)

    primary = ("--config-path", str(tmp_path), "--config-name", "config") if replayed else ("dataset=toy",)
    assert main("-m", *primary, "seed=0,1", act=warn) == 0
    printed = capsys.readouterr()
    assert printed.err.count("[HYDRA]") == 3  # so many jobs, and each of them
    assert "a word of seed 0\n" in printed.err
    assert "HYDRA" not in printed.out
    assert "a word" not in printed.out


@pytest.mark.parametrize("before", [None, "ignore:others"])
def test_what_hydra_1_4_says_of_its_own_future_is_not_told_for_every_job(main, monkeypatch, before):
    monkeypatch.delenv("PYTHONWARNINGS", raising=False)
    if before is not None:
        monkeypatch.setenv("PYTHONWARNINGS", before)
    said = "Hydra configured Python logging without an execution whitelist. This\npreserves legacy behavior"
    program = f"import warnings; warnings.warn({said!r}); warnings.warn('of others')"
    heard = []

    def warn(config):
        with warnings.catch_warnings(record=True) as caught:
            warnings.warn(said, stacklevel=1)
        assert not caught
        heard.append(subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, check=True).stderr)
        heard.append(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stderr)
        return complete(config)

    assert main("dataset=toy", act=warn) == 0
    assert [b"UserWarning: Hydra" in text for text in heard] == [True, False]  # -I ignores the environment
    assert b"UserWarning: of others" in heard[1]
    assert os.environ.get("PYTHONWARNINGS") == before


def test_hydras_settings_take_effect_around_a_single_run(main, capsys, monkeypatch):
    monkeypatch.delenv("OWN", raising=False)
    seen = []

    def look(config):
        seen.append(os.environ.get("OWN"))
        logging.getLogger("own").debug("a word")
        return complete(config)

    assert main("dataset=toy", "+hydra.job.env_set.OWN=x", "hydra.verbose=own", act=look) == 0
    assert seen == ["x"]
    assert "OWN" not in os.environ
    assert "a word" in capsys.readouterr().err


def test_a_resumed_run_takes_marked_keys_that_the_primary_configuration_lacks(main, tmp_path, verdict):
    (tmp_path / "config.yaml").write_text(to_yaml(verdict("dataset=toy", "model=vzsl").config))
    assert main(f"++resume={tmp_path}", "+tracker.figures=false", "evaluator.batch_size=7") == 0
    ((_, config, _),) = main.calls
    assert (config.tracker.figures, config.evaluator.batch_size) == (False, 7)


@pytest.mark.parametrize("kind", [[], ["-m"], ["task=check"]])
def test_hydras_own_settings_are_checked_where_a_run_is_resumed(main, capsys, tmp_path, verdict, kind):
    (tmp_path / "config.yaml").write_text(to_yaml(verdict("dataset=toy", "model=vzsl").config))
    assert main(*kind, f"resume={tmp_path}", "hydra/job_logging=mesages") == 2
    assert "Could not find 'hydra/job_logging/mesages'" in capsys.readouterr().err
    assert main.calls == []
