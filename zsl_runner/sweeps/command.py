"""What ``zsl-run`` does: check everything, then let Hydra start one run or a sweep of runs."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra import version
from hydra._internal import utils
from hydra._internal.hydra import Hydra
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from zsl_runner.config.check import Verdict, check, summary
from zsl_runner.config.command import PRIMARY, Command, Question, question, read
from zsl_runner.config.compose import COMPOSED_GROUPS
from zsl_runner.config.explain import copy_option, explain, options_of
from zsl_runner.config.loader import Loader, SchemasFirst, search_other_folders
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.problems import Idle, Problem, listed, report, without_effect
from zsl_runner.config.resume import refused_of_all
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.seeds import following
from zsl_runner.config.store import register
from zsl_runner.config.sweep import check_search, columns, expand, is_search, starts_elsewhere, told
from zsl_runner.console.frame import FAILED, REFUSED
from zsl_runner.console.terminal import require_printed
from zsl_runner.errors import ConfigError, RunError
from zsl_runner.runs.completion import answer_shell
from zsl_runner.runs.directory import made
from zsl_runner.runs.start import start
from zsl_runner.sweeps.best import found, results
from zsl_runner.sweeps.job import job
from zsl_runner.sweeps.prepare import prepared
from zsl_runner.sweeps.study import OTHER_NAME
from zsl_runner.sweeps.table import outcome
from zsl_runner.sweeps.watch import watched

_DEFAULTS = {"version_base": "1.3"} if hydra.__version__.startswith("1.3.") else {}
"""Which of its versions Hydra 1.3 shall behave like: itself. Hydra 1.4 knows no other and refuses to be told."""

_UNCHECKED = "Hydra configured Python logging without an execution whitelist"
"""What Hydra 1.4 warns of at each job: the files may name any class. They are the user's own."""

_NO_BEST_TRIAL = ("Record does not exist", "No trials are completed yet")
"""How Optuna answers its sweeper, who asks for the best trial, where none has a result: on disk, and in memory."""

_OTHER_SPACE = ("Cannot set different", "does not support dynamic value space")
"""How Optuna says that a study has another kind of values, or another choice, for one of the keys."""


def perform(arguments: Sequence[str]) -> int:
    """Do what the arguments of ``zsl-run`` ask for and return its exit code.

    Raises:
        ConfigError: the configuration was refused.
        RunError: a single run failed.
    """
    asked = question(arguments)
    command = read(arguments if asked is None else asked.rest)
    register()
    if asked is not None:
        print(_answer(asked, command))
        if asked.copy is None:  # a copy is made whether its place can be printed or not
            require_printed()
        return 0
    if command.completes:
        return _code(lambda: answer_shell(command))
    if command.only_shows:
        os.environ["ZSL_RUN_GROUPS"] = _groups(Loader(command.source))  # the help page in conf/config.yaml shows it
        code = _shown(command)
        require_printed()
        return code
    return _checked(command)


def _answer(asked: Question, command: Command) -> str:
    """Return what was asked about the configuration.

    Raises:
        ConfigError: something else is asked for, too, or there is no such thing.
    """
    if command.only_shows or command.completes:
        raise ConfigError(f"{' '.join(command.flags)}: not understood beside --explain, --list or --copy")
    loader = Loader(command.source)
    if asked.explain is not None:
        return explain(asked.explain, loader, command.overrides)
    if command.overrides:
        raise ConfigError(f"{command.overrides[0]}: not understood beside --list or --copy")
    if asked.copy is not None:
        return copy_option(*asked.copy, loader, asked.to)
    return options_of(asked.list, loader) if asked.list else _groups(loader)


def _checked(command: Command) -> int:
    """Check what was asked for, then start it."""
    loader = Loader(command.source)
    if not command.several:
        verdict = check(loader, command.overrides, settings=command.settings())
        if verdict.config is None:
            return _refused(verdict.problems)
        _tell([verdict.idle])
        return _agreed([verdict.config]) if verdict.config.task == "check" else _single(command, loader, verdict)
    settings = loader.sweep_settings(command.composed())
    runs, problems, idle = _sweep_runs(loader, command, settings)
    if problems:
        return _refused(problems)
    _tell(idle)
    if any(config.task == "check" for config in runs.values()):
        return _agreed(list(runs.values()))
    assert settings is not None  # checked
    return _sweep(command, loader, settings, runs)


def _refused(problems: Sequence[Problem]) -> int:
    print(report(problems), file=sys.stderr)
    return REFUSED


def _tell(idle: Sequence[Sequence[Idle]]) -> None:
    for line in without_effect(idle):
        print(f"zsl-run: {line}", file=sys.stderr)


def _agreed(configs: Sequence[RunConfig]) -> int:
    print(summary(configs[0]))
    print("no problem found" if len(configs) == 1 else f"no problem found in {len(configs)} runs; above is the first")
    return 0


def _sweep_runs(
    loader: Loader, command: Command, settings: DictConfig | None
) -> tuple[dict[str, RunConfig], list[Problem], list[tuple[Idle, ...]]]:
    """Check all runs of a sweep; return configurations by overrides, each problem once, and what is idle in each."""
    runs: dict[str, RunConfig] = {}
    refused = dict(refused_of_all(command.overrides))
    problems: list[Problem] = list(refused.values())
    idle: list[tuple[Idle, ...]] = []
    elsewhere = starts_elsewhere(settings)
    left = [argument for argument in command.overrides if argument not in refused]
    # What a preset sweeps is refused with the preset.
    for index, run in enumerate(expand(loader, left, None if refused else settings)):
        verdict = check(loader, run, settings=command.settings(), elsewhere=elsewhere, strictly=index == 0, alone=False)
        problems += [problem for problem in verdict.problems if problem not in problems]
        idle.append(verdict.idle)
        if verdict.config is not None:
            runs[told(run)] = verdict.config
    if settings is not None and runs and not refused and is_search(settings):
        first = next(iter(runs.values()))
        problems += check_search(settings, columns(loader, command.overrides, settings), first)
    return runs, problems, idle


def _sweep(command: Command, loader: Loader, settings: DictConfig, runs: dict[str, RunConfig]) -> int:
    """Hand the sweep over to Hydra, then tell from the files its jobs wrote what became of each.

    Raises:
        ConfigError: the search was ended, because none of its trials can have its objective, or its study is of another
            space.
        RunError: a process of the launcher was killed, or no trial of a search has a result.
    """
    line = shlex.join(["zsl-run", *sys.argv[1:]])
    objectives = next(iter(runs.values())).objectives
    with prepared(settings, loader, command.overrides, runs, line) as sweep:
        if sweep.message:
            print(sweep.message)
        overrides, has_result = [*command.composed(), *sweep.settings], True
        try:
            with watched(sweep.folder):
                code = _started(loader, lambda hydra: hydra.multirun(command.source.name, job, overrides))
        except BrokenExecutor as error:
            raise RunError(
                "a process of the launcher was killed, as the system does when memory runs out, and the sweep ended "
                "with it; repeat the command to go on, with a smaller hydra.launcher.n_jobs if memory was short"
            ) from error
        except ValueError as error:
            if any(words in str(error) for words in _OTHER_SPACE):
                study = f"study {settings.sweeper.study_name}"
                raise ConfigError(f"{study} has tried other kinds of values or another choice; {OTHER_NAME}") from error
            if str(error).rstrip(".") not in _NO_BEST_TRIAL:
                raise
            has_result, code = False, FAILED
        finally:
            table, all_complete = outcome(sweep.folder, objectives)
            print(f"\n{table}")
            if sweep.study is not None:
                first = next(iter(runs.values()))
                follow = following(loader, expand(loader, command.overrides, settings)[0], first)
                print(found(*sweep.study, sweep.folder.parent, first, follow))
    if not has_result or (not code and sweep.study is not None and not results(*sweep.study)):
        raise RunError(
            "no trial of this search has a result; why its jobs failed stands in the table of the command that started "
            "them, and in error.txt in their runs' directories; mend that, then repeat the command with existing=retry"
        )
    return code or (0 if all_complete else FAILED)


def _single(command: Command, loader: Loader, verdict: Verdict) -> int:
    """Run what was checked; Hydra's own settings take effect around it."""
    assert verdict.config is not None
    config, failures = verdict.config, []
    if verdict.resumes is None:
        made(Path(config.outputs))  # before Hydra makes it, which would not say what to do

    def once(_: DictConfig) -> None:
        try:
            start(config, list(command.overrides), verdict.resumes)
        except Exception as error:  # Hydra would say more than is needed
            failures.append(error)

    code = _started(loader, lambda hydra: hydra.run(command.source.name, once, command.composed()))
    for error in failures:
        raise error
    return code


def _started(loader: Loader, act: Callable[[Hydra], object]) -> int:
    """Let Hydra start something from the files as they were read for the check; return its exit code."""
    if _DEFAULTS:
        version.setbase(_DEFAULTS["version_base"])
    program = Hydra("zsl-run", loader)
    GlobalHydra.instance().initialize(program)
    look = Sweeper.validate_batch_is_legal
    Sweeper.validate_batch_is_legal = _spared
    try:
        with _without_warning(_UNCHECKED):
            return _code(lambda: act(program))
    finally:
        Sweeper.validate_batch_is_legal = look
        GlobalHydra.instance().clear()


@contextmanager
def _without_warning(words: str) -> Iterator[None]:
    """Ignore the warning that begins with these words inside the block, and in processes that are started there."""
    before = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, (before, f"ignore:{words}")))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", words)
            yield
    finally:
        if before is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = before


def _spared(_: Sweeper, __: object) -> None:
    """Stand in for Hydra's composition of all jobs of a sweep before the first: they are checked by then."""


def _shown(command: Command) -> int:
    """Let Hydra show help or a configuration; return the exit code.

    Hydra's own is 1 where ``--package`` names nothing: an argument that is wrong.
    """
    program, arguments, reporting = sys.argv[0], sys.argv[1:], utils.run_and_report
    create, beginning = Hydra.create_main_hydra2, vars(Hydra)["create_main_hydra2"]

    def searching(task_name: str, config_search_path: ConfigSearchPath) -> Hydra:
        search_other_folders(config_search_path)
        made: Hydra = create(task_name, config_search_path)
        made.config_loader = SchemasFirst(config_search_path)
        return made

    sys.argv = [program, *command.for_hydra()]
    utils.run_and_report = _call  # Hydra would print tracebacks and leave
    Hydra.create_main_hydra2 = searching  # Hydra knows no folder but ours and that of --config-dir
    try:
        return (
            REFUSED
            if _code(hydra.main(config_path=str(conf_directory()), config_name=PRIMARY, **_DEFAULTS)(job))
            else 0
        )
    finally:
        sys.argv = [program, *arguments]
        utils.run_and_report = reporting
        Hydra.create_main_hydra2 = beginning


def _code(work: Callable[[], object]) -> int:
    """Let Hydra work and return its exit code."""
    try:
        work()
    except (HydraException, OmegaConfBaseException) as error:  # help over files that do not compose
        raise ConfigError(f"{error}\nzsl-run task=check lists every problem") from error
    except RecursionError as error:
        raise ConfigError("the configuration is nested too deeply, or its files lead in a circle") from error
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else FAILED if leave.code else 0
    return 0


def _call(work: Callable[[], object]) -> object:
    return work()


def _groups(loader: Loader) -> str:
    """Return the groups and their options, those of a folder in a line of their own."""
    lines = []
    for group in COMPOSED_GROUPS:
        first, *others = listed(loader.options(group)) or ["(none yet)"]
        lines += [f"{group:<12}{first}", *(f"{'':<12}{line}" for line in others)]
    return "\n".join(lines)
