"""The entry point behind ``zsl-run``: check everything, then let Hydra start one run or a sweep of runs."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException, HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from zsl_runner import __version__
from zsl_runner.config import registry
from zsl_runner.config.check import Verdict, check, summary
from zsl_runner.config.command import PRIMARY, Command, read
from zsl_runner.config.compose import COMPOSED_GROUPS
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.problems import report
from zsl_runner.config.resume import resumed
from zsl_runner.config.sweep import expand, starts_elsewhere
from zsl_runner.config.typed import typed
from zsl_runner.errors import ConfigError, RunError

FAILED, REFUSED, INTERRUPTED = 1, 2, 130


class JobFailedError(CompactHydraException):  # type: ignore[misc]
    """One run of a sweep failed; Hydra prints the message without a traceback when all runs are through."""


def main() -> int:
    """Run ``zsl-run`` on the process's arguments.

    Returns:
        Exit code: 0 success, 1 a run failed, 2 the configuration was refused, 130 interrupted.
    """
    if "--version" in sys.argv[1:]:
        print(f"zsl-run {__version__}")
        return 0
    try:
        command = read(sys.argv[1:])
        registry.register()
        if command.only_shows:
            os.environ["ZSL_RUN_GROUPS"] = _groups(Loader(command.source))  # the help page in conf/config.yaml shows it
            return _hydra(command, job)
        return _checked(command)
    except ConfigError as error:
        print(f"zsl-run: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED


def job(config: DictConfig) -> float | None:
    """Run one job of a sweep; the returned objective is for optimising sweepers.

    Raises:
        JobFailedError: the run failed; the other jobs go on.
    """
    try:
        return _run(config)
    except Exception as error:
        print(_message(error), file=sys.stderr)
        number = HydraConfig.get().job.num
        raise JobFailedError(f"zsl-run: job {number} failed: {type(error).__name__}: {error}") from None


def _checked(command: Command) -> int:
    loader = Loader(command.source)
    verdicts = _verdicts(loader, command)
    problems = list(dict.fromkeys(problem for verdict in verdicts for problem in verdict.problems))
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
    return _hydra(command, job) if command.several else _single(command)


def _verdicts(loader: Loader, command: Command) -> list[Verdict]:
    if not command.several:
        return [check(loader, command.overrides)]
    settings = loader.sweep_settings(command.overrides)
    elsewhere = starts_elsewhere(settings)
    runs = expand(loader, command.overrides, settings)
    return [check(loader, run, elsewhere=elsewhere, strictly=index == 0) for index, run in enumerate(runs)]


def _single(command: Command) -> int:
    failures: list[Exception] = []

    def once(config: DictConfig) -> float | None:
        try:
            return _run(config)
        except Exception as error:
            failures.append(error)
            return None

    code = _hydra(command, once)
    for error in failures:
        print(_message(error), file=sys.stderr)
        code = REFUSED if isinstance(error, ConfigError) else FAILED
    return code


def _hydra(command: Command, task: Callable[[DictConfig], float | None]) -> int:
    """Hand over to Hydra; return its exit code."""
    program, arguments = sys.argv[0], sys.argv[1:]
    sys.argv = [program, *command.for_hydra()]
    try:
        hydra.main(config_path=str(conf_directory()), config_name=PRIMARY, version_base="1.3")(task)()
    except (HydraException, OmegaConfBaseException) as error:  # help over files that do not compose
        raise ConfigError(f"{error}\nzsl-run task=check lists every mistake") from error
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else FAILED if leave.code else 0
    finally:
        sys.argv = [program, *arguments]
    return 0


def _run(config: DictConfig) -> float | None:
    from zsl_runner import run  # torch is imported only when something runs

    overrides = list(HydraConfig.get().overrides.task)
    directory = resumed(overrides)
    if directory is None:
        return run.execute(typed(config), overrides)
    verdict = check(Loader(Source(conf_directory())), overrides)
    if verdict.config is None:
        raise ConfigError(report(verdict.problems))
    return run.resume(directory, verdict.config, overrides)


def _groups(loader: Loader) -> str:
    """Return the groups and their options, one group a line."""
    return "\n".join(f"{group:<12}{', '.join(loader.options(group)) or '(none yet)'}" for group in COMPOSED_GROUPS)


def _message(error: Exception) -> str:
    """Return what the user is told about a failed run; an error without a message of ours keeps its traceback."""
    if isinstance(error, RunError) and os.environ.get("HYDRA_FULL_ERROR") != "1":
        return f"zsl-run: {error}"
    return "".join(traceback.format_exception(error)).rstrip()


if __name__ == "__main__":
    sys.exit(main())
