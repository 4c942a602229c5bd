"""The command itself: exit codes, what it leaves on disk, and that torch stays out of it."""

import json
import logging
import os
import pickle
import subprocess
import sys
import types
import warnings
from collections import Counter

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl

from zsl_runner import train
from zsl_runner.config import compose
from zsl_runner.config.command import read
from zsl_runner.config.identity import flatten
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.store import register
from zsl_runner.config.sweep import told
from zsl_runner.config.typed import to_yaml
from zsl_runner.errors import ConfigError, DataError
from zsl_runner.runs.result import Result
from zsl_runner.sweeps import command

WITHOUT_TORCH = (
    "-c",
    "import sys, zsl_runner.train as t\n"
    "code = t.main()\n"
    "print('torch' in sys.modules, file=sys.stderr)\n"
    "sys.exit(code)",
)


def left(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_refused_configuration_exits_2_writes_nothing_and_never_imports_torch(fresh_zsl_run, tmp_path):
    done = fresh_zsl_run(
        "+model.typo=1", "trainer.optim.lr=-1", "runtime.device=cuda:99", "dataset=toyy", program=WITHOUT_TORCH
    )
    assert done.returncode == 2
    assert "zsl-run: 4 problems found" in done.stderr
    for number in range(1, 5):
        assert f"\n  {number}. " in done.stderr
    assert done.stderr.endswith("False\n")
    assert done.stdout == ""
    assert left(tmp_path / "elsewhere") == []


def test_task_check_says_what_would_run_and_writes_nothing(fresh_zsl_run, tmp_path):
    done = fresh_zsl_run("task=check", "dataset=toy", program=WITHOUT_TORCH)
    assert done.returncode == 0
    assert "dataset    toy (toy)" in done.stdout
    assert "no problem found" in done.stdout
    assert done.stderr == "False\n"
    assert left(tmp_path / "elsewhere") == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("--help",),
            ["zsl-run -m seed=0,1,2,3,4", "model       ", 'eval "$(zsl-run -sc install=bash)"', "task=check"],
        ),
        (("--cfg", "job", "model=vzsl"), ["kind: vzsl", "latent_dim:"]),
        (("--info", "defaults"), ["dataset/digits"]),
        (("-sc", "install=bash"), ["hydra_bash_completion"]),
        (("--version",), ["zsl-run "]),
    ],
)
def test_what_only_shows_something_does_without_torch(zsl_run, tmp_path, arguments, expected):
    done = zsl_run(*arguments)
    assert done.returncode == 0, done.stderr
    for text in expected:
        assert text in done.stdout
    assert "schema/" not in done.stdout or "--info" in arguments
    assert not done.torch
    assert left(tmp_path / "elsewhere") == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--seed=1",), "--seed: no such flag; options are written without dashes: seed=1"),
        (("--seed", "1"), "--seed: no such flag; options are written without dashes: seed=1"),
        (("-model=vzsl", "seed=1"), "-model: no such flag; options are written without dashes: model=vzsl"),
        (
            ("--model.latent-dim", "8"),
            "--model.latent-dim: no such flag; options are written without dashes: model.latent_dim=8",
        ),
        (("seed=1", "--model", "seed=2"), "--model: no such flag; options are written without dashes: model=VALUE"),
        (("--explian", "seed"), "--explian: no such flag; did you mean --explain?"),
        (("--multi-run",), "--multi-run: no such flag; did you mean --multirun?"),
        (("--config-dir",), "argument --config-dir/-cd: expected one argument"),
    ],
)
def test_a_flag_that_is_none(arguments, told):
    with pytest.raises(ConfigError) as refused:
        read(arguments)
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--resolve",), "--resolve: has no effect without --cfg job, which prints the configuration"),
        (("-p", "model", "seed=1"), "--package: has no effect without --cfg job, which prints the configuration"),
        (("-m", "--cfg", "job", "seed=1,2"), "--multirun and --cfg: only one of them can be done at a time"),
        (("--run", "-m"), "--run and --multirun: only one of them can be done at a time"),
        (("--info", "-sc"), "--info and --shell-completion: only one of them can be done at a time"),
        (("-c", "job", "resume=a"), "--cfg beside resume=a: the configuration of that run is in its config.yaml"),
    ],
)
def test_flags_that_contradict_each_other_or_do_nothing(arguments, told):
    with pytest.raises(ConfigError) as refused:
        read(arguments)
    assert str(refused.value) == told


@pytest.mark.parametrize(
    "arguments", [("-c=job", "model=vzsl"), ("--cfg", "job", "model=vzsl"), ("model=vzsl", "-c", "job")]
)
def test_flags_of_hydra_are_read(arguments):
    found = read(arguments)
    assert found.overrides == ("model=vzsl",)
    assert found.only_shows


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("zsl-run model=", "model=vzsl"),
        ("zsl-run model=vzsl model.lat", "model.latent_dim="),
        ("zsl-run trai", "trainer"),
    ],
)
def test_completion(zsl_run, line, expected):
    done = zsl_run("-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line)))
    assert expected in done.stdout


@pytest.mark.parametrize("arguments", [(), ("install=tcsh",), ("install=bash", "query=bash"), ("seed=1",)])
def test_completion_of_no_known_shell(main, capsys, arguments):
    assert main("-sc", *arguments) == 2
    assert capsys.readouterr().err.startswith("zsl-run: --shell-completion: expected one of install=bash, ")


def test_completion_of_no_line(main, capsys, monkeypatch):
    monkeypatch.delenv("COMP_LINE", raising=False)
    assert main("-sc", "query=bash") == 2
    assert "query=bash: shells ask so, with the line typed in COMP_LINE" in capsys.readouterr().err


def test_a_part_to_be_shown_that_is_none(main, capsys):
    assert main("--cfg", "job", "--package", "nix") == 2
    assert "'nix'" in capsys.readouterr().err


def test_members_of_other_distributions_are_found(zsl_run, tmp_path):
    package = tmp_path / "site"
    (package / "their_model").mkdir(parents=True)
    (package / "their_model" / "__init__.py").write_text(
        "from dataclasses import dataclass\n"
        "from typing import ClassVar\n"
        "from zsl_runner.config.fields import option\n"
        "from zsl_runner.config.schema import ModelConf\n"
        "@dataclass\n"
        "class TheirConf(ModelConf):\n"
        "    capabilities: ClassVar[frozenset[str]] = frozenset({'fit', 'class_scores'})\n"
        "    kind: str = 'theirs'\n"
        "    width: int = option(3, 'width', low=1)\n"
    )
    info = package / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zsl_runner.schemas]\ntheirs = their_model:TheirConf\n")
    (tmp_path / "own" / "model").mkdir(parents=True)
    (tmp_path / "own" / "model" / "theirs.yaml").write_text(
        "defaults:\n  - /schema/model/theirs@_here_\n  - _self_\n  - override /trainer@_global_.trainer: closed_form\n"
        "name: theirs\n"
    )
    places = [package]
    done = zsl_run("--config-dir", str(tmp_path / "own"), "task=check", "dataset=toy", "model=theirs", places=places)
    assert "model      theirs (theirs)" in done.stdout, done.stderr
    done = zsl_run("--config-dir", str(tmp_path / "own"), "dataset=toy", "model=theirs", "model.width=0", places=places)
    assert done.returncode == 2
    assert "expected 1 <= value, found 0" in done.stderr


def distribution(folder, entries, **modules):
    """Write a distribution ``theirs`` with these entry points; return the places where it is found."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    info = folder / "theirs-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries)
    return [folder]


THEIRS = """from dataclasses import dataclass
from zsl_runner.config.fields import option
from zsl_runner.config.schema import ModelConf
@dataclass
class TheirConf(ModelConf):
    kind: str = option("theirs", "kind")
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("from zsl_runner.trainers.base import Trainer\n", "No module named 'zsl_runner.trainers.base'"),
        ("raise RuntimeError('two\\nlines')\n", "two;"),
        ("def broken(:\n", "invalid syntax"),
        ("TheirConf = 3\n", "expected a subclass of ModelConf"),
        (THEIRS.replace("@dataclass", ""), "TheirConf lacks @dataclass"),
        (THEIRS.replace("kind: str", "kin: str"), "TheirConf declares no kind"),
        (f"{THEIRS}    needs = 'features'\n", "TheirConf.needs: expected a frozenset of words, found a text"),
        ("", "has no attribute 'TheirConf'"),
    ],
)
def test_a_broken_package_is_one_line_and_everything_else_goes_on(zsl_run, tmp_path, text, reason):
    (tmp_path / "site").mkdir()
    places = distribution(tmp_path / "site", "[zsl_runner.schemas]\ntheirs = their_old:TheirConf\n", their_old=text)
    done = zsl_run("task=check", "dataset=toy", places=places)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("theirs: its entry point theirs = their_old:TheirConf (zsl_runner.schemas) is left out: ")
    assert reason in line
    assert "docs/guides/own_model.md" in line


def test_a_package_ships_its_yaml_files(zsl_run, tmp_path):
    folder = tmp_path / "site" / "their_package" / "conf" / "model"
    folder.mkdir(parents=True)
    (folder / "narrow.yaml").write_text("defaults: [vzsl, _self_]\nname: narrow\nlatent_dim: 3\n")
    (folder.parents[1] / "__init__.py").write_text("")
    places = distribution(tmp_path / "site", "[zsl_runner.conf]\ntheirs = their_package.conf\n")
    done = zsl_run("task=check", "dataset=toy", "model=narrow", places=places)
    assert (done.returncode, done.stderr) == (0, "")
    assert "model      narrow (vzsl)" in done.stdout
    shown = ("--cfg", "job", "--package", "model", "dataset=toy", "model=narrow")
    done = zsl_run(*shown, places=places)
    assert "name: narrow\n" in done.stdout, done.stderr
    assert "latent_dim: 3\n" in done.stdout
    own = tmp_path / "own" / "model"
    own.mkdir(parents=True)
    (own / "narrow.yaml").write_text("defaults: [vzsl, _self_]\nname: narrow\nlatent_dim: 5\n")
    done = zsl_run("--config-dir", str(own.parent), *shown, places=places)
    assert "latent_dim: 5\n" in done.stdout, done.stderr  # the user's own file comes first, as in a run
    done = zsl_run("--explain", "model.latent_dim", "model=narrow", "--config-dir", str(own.parent), places=places)
    assert "in force  5 " in done.stdout, done.stderr
    done = zsl_run("task=check", "dataset=toy", "model=narow", places=places)
    assert "narrow" in done.stderr.partition("did you mean")[2]


def test_a_file_goes_on_from_one_of_another_kind(zsl_run, tmp_path):
    """Its values win over the defaults of the schema named after it: where shown, checked and composed for a sweep."""
    folder = tmp_path / "site" / "their_package" / "conf" / "evaluator"
    folder.mkdir(parents=True)
    (folder / "theirs.yaml").write_text(
        "defaults:\n  - zsl\n  - /schema/evaluator/theirs@_here_\n  - _self_\nkind: theirs\nname: theirs\nrows: 4\n"
    )
    (folder.parents[1] / "__init__.py").write_text("")
    places = distribution(
        tmp_path / "site",
        "[zsl_runner.schemas]\ntheirs = their_evaluator:TheirConf\n\n[zsl_runner.conf]\ntheirs = their_package.conf\n",
        their_evaluator="from dataclasses import dataclass\n"
        "from zsl_runner.config.fields import option\n"
        "from zsl_runner.evaluation.zsl.conf import ZeroShotEvaluatorConf\n"
        "@dataclass\n"
        "class TheirConf(ZeroShotEvaluatorConf):\n"
        "    kind: str = option('theirs', 'kind')\n"
        "    rows: int = option(3, 'rows')\n",
    )
    arguments = ("model=eszsl", "dataset=toy", "evaluator=theirs")
    done = zsl_run("--cfg", "job", "--package", "evaluator", *arguments, places=places)
    assert "calibration: val\n" in done.stdout, done.stderr  # of conf/evaluator/zsl.yaml; the schema's default is none
    assert "rows: 4\n" in done.stdout
    done = zsl_run("-m", *arguments, "seed=0", "tracker=minimal", places=places)
    assert done.returncode == 0, done.stderr
    (record,) = (tmp_path / "elsewhere" / "outputs").glob("eszsl/toy/*/result.json")
    assert "test/H_cal" in json.loads(record.read_text())["metrics"]


def test_a_package_without_the_folder_it_names(zsl_run, tmp_path):
    places = distribution(tmp_path / "site", "[zsl_runner.conf]\ntheirs = no_such_package.conf\n")
    done = zsl_run("task=check", "dataset=toy", places=places)
    assert done.returncode == 0
    assert "theirs: its entry point theirs = no_such_package.conf (zsl_runner.conf) is left out" in done.stderr


@pytest.fixture
def main(monkeypatch, tmp_path):
    """Call the entry point in this process, with a run that does as it is told."""
    monkeypatch.chdir(tmp_path)
    calls = []

    def call(*arguments, act=complete):
        def execute(config, overrides, swept=(), announce=None, only=False, study=""):
            calls.append(("new", config, overrides))
            result = act(config)
            if announce is not None:  # one of a sweep
                directory = tmp_path / config.outputs / f"run-{len(calls)}"
                directory.mkdir(parents=True)
                result.save(directory)
                announce(directory)
            return result

        def resume(directory, config):
            calls.append((directory, config, []))
            return act(config)

        stand_in = types.ModuleType("zsl_runner.runs.attempt")
        stand_in.execute, stand_in.resume = execute, resume
        monkeypatch.setitem(sys.modules, "zsl_runner.runs.attempt", stand_in)
        monkeypatch.setattr("zsl_runner.runs.attempt", stand_in, raising=False)
        monkeypatch.setattr("sys.argv", ["zsl-run", *arguments])
        return train.main()

    call.calls = calls
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield call
    root.handlers[:] = handlers
    root.setLevel(level)


def complete(config):
    return Result("complete", config.model.name, config.dataset.name, config.trainer.name, config.seed, "hash")


def failing(error, seeds=(0, 1, 2)):
    def act(config):
        if config.seed in seeds:
            raise error
        return complete(config)

    return act


def test_a_run_gets_its_typed_configuration_and_its_overrides(main, tmp_path):
    assert main("dataset=toy", "model=vzsl", "seed=3") == 0
    ((kind, config, overrides),) = main.calls
    assert (kind, config.model.kind, config.seed) == ("new", "vzsl", 3)
    assert overrides == ["dataset=toy", "model=vzsl", "seed=3"]
    assert left(tmp_path) == ["outputs"]


def test_a_failed_run_gives_one_message_and_exit_code_1(main, capsys):
    assert main("dataset=toy", act=failing(DataError("the file is damaged"))) == 1
    assert capsys.readouterr().err == "zsl-run: the file is damaged\n"


def test_a_configuration_refused_late_exits_with_2(main, capsys):
    assert main("dataset=toy", act=failing(ConfigError("no such device after all"))) == 2
    assert capsys.readouterr().err == "zsl-run: no such device after all\n"


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


def test_every_traceback_is_shown_on_request(main, capsys, monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    assert main("dataset=toy", act=failing(DataError("the file is damaged"))) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupted_run_exits_with_130(main):
    assert main("dataset=toy", act=failing(KeyboardInterrupt())) == 130


def test_a_sweep_runs_everything_although_one_run_fails(main, capsys, tmp_path):
    assert main("-m", "dataset=toy", "seed=0,1,2", act=failing(DataError("bad luck"), seeds=(1,))) == 1
    assert [config.seed for _, config, _ in main.calls] == [0, 1, 2]
    told = capsys.readouterr()
    assert "zsl-run: bad luck" in told.err
    assert "job 1: DataError: bad luck" in told.out
    assert "Traceback" not in told.err
    (sweep,) = (tmp_path / "outputs" / ".sweeps").iterdir()
    assert left(sweep) == ["job-0000.json", "job-0001.json", "job-0002.json", "multirun.yaml", "sweep.json"]


def test_a_sweep_is_checked_before_its_first_run(main, capsys, tmp_path):
    assert main("-m", "dataset=toy", "seed=0,1", "model.latent_dim=4,0,-1") == 2
    errors = capsys.readouterr().err
    assert "2 problems found" in errors  # one for each wrong value, not for each run
    assert main.calls == []
    assert left(tmp_path) == []


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


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--config-path", "here", "--config-name", "config"), "give an absolute path"),
        (("--config-path", "/no/such/folder"), "no such folder"),
        (("--config-dir", "missing"), "no such folder"),
        (("--experimental-rerun", "x.pickle"), "resume=RUN"),
        (("--config-name", "other"), "Cannot find primary config 'other'"),
    ],
)
def test_flags_that_lead_nowhere(main, capsys, arguments, expected):
    assert main(*arguments) == 2
    assert expected in capsys.readouterr().err
    assert main.calls == []


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


def test_a_job_is_refused_if_it_is_not_what_was_checked(main, monkeypatch, capsys):
    monkeypatch.setenv("WIDTH", "8")

    def change(config):
        os.environ["WIDTH"] = "9"
        return complete(config)

    width = "model.latent_dim=${oc.env:WIDTH}"
    assert main("-m", "dataset=toy", width, "seed=0,1", act=change) == 1
    assert [(config.seed, config.model.latent_dim) for _, config, _ in main.calls] == [(0, 8)]
    assert "not the one that was checked before the sweep" in capsys.readouterr().err


@pytest.mark.parametrize("sign", ["", "+", "++"])
def test_every_job_of_a_sweep_finds_what_was_checked(main, tmp_path, sign):
    arguments = ["dataset='toy'", f"{sign}model.prior.hidden=[8, 4]", "outputs='o 1'", "name='a, b'"]
    assert main("-m", *arguments, "trainer=em,em_released", "seed=range(2)", "hydra.verbose=false") == 0
    (plan,) = (tmp_path / "o 1" / ".sweeps").glob("*/sweep.json")
    checked = json.loads(plan.read_text())["checked"]
    notes = [json.loads(file.read_text()) for file in plan.parent.glob("job-*.json")]
    assert {told(note["overrides"]) for note in notes} == checked.keys()
    assert len(set(checked.values())) == len(notes) == 4


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
    assert [b"Hydra" in text for text in heard] == [True, False]  # -I ignores the environment
    assert b"of others" in heard[1]
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


def test_the_loader_goes_along_to_workers():
    register()
    loader = Loader(Source(conf_directory()))
    settings = loader.sweep_settings(["dataset=toy", "seed=0,1"])
    master = settings._get_parent()
    there = pickle.loads(pickle.dumps(loader))
    composed = [each.load_sweep_config(master, ["dataset=toy", "seed=1"]) for each in (loader, there)]
    assert flatten(composed[0].model) == flatten(composed[1].model) != {}
    assert [config.seed for config in composed] == [1, 1]
