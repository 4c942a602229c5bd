"""What ``zsl-run`` does: check everything, then let Hydra start one run or a sweep of runs."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence

import hydra
from hydra._internal import utils
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from zsl_runner.config import registry
from zsl_runner.config.check import Verdict, check, summary
from zsl_runner.config.command import PRIMARY, Command, read
from zsl_runner.config.compose import COMPOSED_GROUPS
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.problems import Problem, listed, report
from zsl_runner.config.resume import resumed
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.search import check_search
from zsl_runner.config.sweep import columns, expand, is_search, starts_elsewhere
from zsl_runner.config.typed import typed
from zsl_runner.console.frame import FAILED, REFUSED
from zsl_runner.console.terminal import require_printed
from zsl_runner.errors import ConfigError
from zsl_runner.runs.repeated import find
from zsl_runner.runs.start import launch, resume
from zsl_runner.sweeps.job import job
from zsl_runner.sweeps.prepare import prepared
from zsl_runner.sweeps.table import outcome


def perform(arguments: Sequence[str]) -> int:
    """Do what the arguments of ``zsl-run`` ask for and return its exit code.

    Raises:
        ConfigError: the configuration was refused.
        RunError: a single run failed.
    """
    command = read(arguments)
    registry.register()
    if command.only_shows:
        os.environ["ZSL_RUN_GROUPS"] = _groups(Loader(command.source))  # the help page in conf/config.yaml shows it
        code = _hydra(command, job)
        require_printed()
        return code
    return _checked(command)


def _checked(command: Command) -> int:
    loader = Loader(command.source)
    verdicts, problems = _sweep_verdicts(loader, command) if command.several else _verdict(loader, command)
    if problems:
        print(report(problems), file=sys.stderr)
        return REFUSED
    configs = [verdict.config for verdict in verdicts if verdict.config is not None]
    if any(config.task == "check" for config in configs):
        print(summary(configs[0]))
        print(
            "no problem found" if len(configs) == 1 else f"no problem found in {len(configs)} runs; above is the first"
        )
        return 0
    return _sweep(command, loader, configs) if command.several else _single(command)


def _verdict(loader: Loader, command: Command) -> tuple[list[Verdict], list[Problem]]:
    verdict = check(loader, command.overrides)
    return [verdict], list(verdict.problems)


def _sweep_verdicts(loader: Loader, command: Command) -> tuple[list[Verdict], list[Problem]]:
    """Check all runs of a sweep; each problem counts once."""
    settings = loader.sweep_settings(command.overrides)
    elsewhere = starts_elsewhere(settings)
    verdicts = [
        check(loader, run, elsewhere=elsewhere, strictly=index == 0, alone=False)
        for index, run in enumerate(expand(loader, command.overrides, settings))
    ]
    problems = list(dict.fromkeys(problem for verdict in verdicts for problem in verdict.problems))
    config = verdicts[0].config
    if settings is not None and config is not None and is_search(settings):
        problems += check_search(settings, columns(loader, command.overrides, settings), config)
    return verdicts, problems


def _sweep(command: Command, loader: Loader, configs: list[RunConfig]) -> int:
    """Hand the sweep over to Hydra, then tell from the files its jobs wrote what became of each."""
    settings = loader.sweep_settings([*command.settings(), *command.overrides])
    assert settings is not None  # checked
    line = shlex.join(["zsl-run", *sys.argv[1:]])
    first = configs[0]
    with prepared(settings, loader, command.overrides, first, line) as sweep:
        if sweep.message:
            print(sweep.message)
        try:
            code = _hydra(command, job, sweep.settings)
        finally:
            table, all_complete = outcome(sweep.folder, first.objectives)
            print(f"\n{table}")
    return code or (0 if all_complete else FAILED)


def _single(command: Command) -> int:
    failures: list[Exception] = []

    def once(config: DictConfig) -> None:
        try:
            _run(config)
        except Exception as error:  # Hydra would say more than is needed
            failures.append(error)

    code = _hydra(command, once)
    for error in failures:
        raise error
    return code


def _hydra(command: Command, task: Callable[[DictConfig], object], settings: Sequence[str] = ()) -> int:
    """Hand over to Hydra with further settings of its own; return its exit code."""
    program, arguments, reporting = sys.argv[0], sys.argv[1:], utils.run_and_report
    sys.argv = [program, *command.for_hydra(settings)]
    utils.run_and_report = _call  # Hydra would print tracebacks and leave
    try:
        hydra.main(config_path=str(conf_directory()), config_name=PRIMARY, version_base="1.3")(task)()
    except (HydraException, OmegaConfBaseException) as error:  # help over files that do not compose
        raise ConfigError(f"{error}\nzsl-run task=check lists every mistake") from error
    except RecursionError as error:
        raise ConfigError("the configuration is nested too deeply, or its files lead in a circle") from error
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else FAILED if leave.code else 0
    finally:
        sys.argv = [program, *arguments]
        utils.run_and_report = reporting
    return 0


def _call(work: Callable[[], object]) -> object:
    return work()


def _run(config: DictConfig) -> None:
    overrides = list(HydraConfig.get().overrides.task)
    directory = resumed(overrides)
    if directory is None:
        chosen = typed(config)
        keeps = chosen.existing in ("keep", "retry")
        launch(chosen, overrides, find(chosen) if keeps else None, only=keeps)
        return
    verdict = check(Loader(Source(conf_directory())), overrides)
    if verdict.config is None:
        raise ConfigError(report(verdict.problems))
    resume(directory, verdict.config)


def _groups(loader: Loader) -> str:
    """Return the groups and their options, those of a folder in a line of their own."""
    lines = []
    for group in COMPOSED_GROUPS:
        first, *others = listed(loader.options(group)) or ["(none yet)"]
        lines += [f"{group:<12}{first}", *(f"{'':<12}{line}" for line in others)]
    return "\n".join(lines)
