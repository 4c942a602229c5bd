"""Reads zsl-run's command line with Hydra's own parser, and completes it where the primary file is not ours.

Flags may stand between overrides, which Hydra alone would refuse.
"""

from __future__ import annotations

import difflib
import re
from argparse import ArgumentError, ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.utils import get_args_parser

from zsl_runner.config.identity import flatten
from zsl_runner.config.loader import Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.quoting import expression, quoted
from zsl_runner.config.resume import as_composed, resumed
from zsl_runner.config.store import MESSAGES
from zsl_runner.errors import ConfigError

PRIMARY = "config"
_ALIKE = 0.8
"""How much a flag must resemble a known one to be taken for it; --model is an option, and not --help."""
_QUESTIONS = ("--explain", "--list", "--copy")
_ONE_OF = ("run", "multirun", "cfg", "info", "shell_completion")
"""Flags each of which says what is to be done."""
_OURS = ("run.dir", "sweep.dir", "sweep.subdir", "job.name", "output_subdir")


@dataclass(frozen=True)
class Command:
    """What was asked for.

    Attributes:
        flags: arguments that are not overrides.
        overrides: the ``key=value`` arguments.
        source: where the configuration starts.
        only_shows: help or a printed configuration; no run.
        completes: a shell asks what it may complete, or is told how to ask.
        several: a sweep.
    """

    flags: tuple[str, ...]
    overrides: tuple[str, ...]
    source: Source
    only_shows: bool
    completes: bool
    several: bool

    def settings(self) -> list[str]:
        """Return the settings that keep Hydra from writing files of its own where the primary file is not ours.

        What that file sets itself is left alone: the check judges it.
        """
        directory = resumed(self.overrides)
        settings = []
        if self.source.directory != conf_directory() or self.source.name != PRIMARY:
            ours = _hydra_in(conf_directory() / f"{PRIMARY}.yaml")
            theirs = _hydra_in(self.source.directory / f"{self.source.name}.yaml")
            settings += [f"hydra/{group}=messages" for group in MESSAGES if group not in theirs]
            settings += [
                f"hydra.{key}={'null' if value is None else expression(value)}"
                for key, value in ours.items()
                if key in _OURS and key not in theirs
            ]
        if directory is not None:
            settings.append(f"hydra.run.dir={quoted(str(directory))}")
        return settings

    def composed(self) -> list[str]:
        """Return settings and overrides for Hydra's own composition."""
        return [*self.settings(), *as_composed(self.overrides)]

    def for_hydra(self) -> list[str]:
        """Return the arguments for Hydra."""
        return [*self.settings(), *self.overrides, *self.flags]


def read(arguments: Sequence[str]) -> Command:
    """Return the command that ``arguments`` (without the program's name) give.

    Raises:
        ConfigError: a flag is unknown, lacks its value, names a folder that is not there, contradicts another one or
            cannot mean what it seems.
    """
    args = _parsed(arguments)
    _check_together(args)
    flags = list(arguments)
    for override in args.overrides:
        flags.remove(override)
    if args.experimental_rerun is not None:
        raise ConfigError(
            "--experimental-rerun: runs keep no pickles; use --config-path RUN --config-name config, or resume=RUN"
        )
    directory = conf_directory() if args.config_path is None else Path(args.config_path)
    if not directory.is_absolute():
        raise ConfigError(f"--config-path {directory}: give an absolute path, here {directory.resolve()}")
    extra = None if args.config_dir is None else Path(args.config_dir)
    for flag, folder in (("--config-path", directory), ("--config-dir", extra)):
        if folder is not None and not folder.is_dir():
            raise ConfigError(f"{flag} {folder}: no such folder")
    return Command(
        tuple(flags),
        tuple(args.overrides),
        Source(directory, (args.config_name or PRIMARY).removesuffix(".yaml"), extra),
        only_shows=bool(args.help or args.hydra_help or args.cfg or args.info),
        completes=bool(args.shell_completion),
        several=bool(args.multirun) or _asks_for_several(args.overrides),
    )


def _parsed(arguments: Sequence[str]) -> Namespace:
    """Return what Hydra's own parser makes of the arguments.

    Raises:
        ConfigError: a flag is unknown or lacks its value.
    """
    parser: ArgumentParser = get_args_parser()
    parser.exit_on_error = False
    flags = parser._option_string_actions
    dashed = [argument for argument in arguments if re.match(r"-[^=]+=", argument)]
    dashed = [argument for argument in dashed if argument.partition("=")[0] not in flags]
    try:
        args, unknown = parser.parse_known_intermixed_args(list(arguments))
    except ArgumentError as error:  # -model=vzsl begins with the flag -m
        if not dashed:
            raise ConfigError(str(error)) from error
        unknown = dashed
    if unknown and unknown[0] not in arguments:  # Python 3.13 takes -model=vzsl for -m and -odel=vzsl
        unknown = dashed or unknown
    if unknown:
        raise ConfigError(_no_flag(unknown[0], arguments, [*(flag for flag in flags if len(flag) > 3), *_QUESTIONS]))
    return args


def _check_together(args: Namespace) -> None:
    """Refuse flags that exclude each other, and those that would do nothing; ``--help`` answers beside any other.

    Raises:
        ConfigError: two things are to be done at once, or a flag belongs to another one that is not there.
    """
    if args.help or args.hydra_help:
        return
    asked = [f"--{name.replace('_', '-')}" for name in _ONE_OF if getattr(args, name) not in (None, False)]
    if len(asked) > 1:
        raise ConfigError(f"{' and '.join(asked)}: only one of them can be done at a time")
    for flag, given in (("--resolve", args.resolve), ("--package", args.package is not None)):
        if given and args.cfg is None:
            raise ConfigError(f"{flag}: has no effect without --cfg job, which prints the configuration")
    if args.cfg is not None and (directory := resumed(args.overrides)) is not None:
        raise ConfigError(f"--cfg beside resume={directory}: the configuration of that run is in its config.yaml")


def _no_flag(argument: str, arguments: Sequence[str], flags: Sequence[str]) -> str:
    """Return that there is no such flag, and the flag or the option that was meant."""
    name, equals, value = argument.partition("=")
    meant = difflib.get_close_matches(name, flags, 1, _ALIKE)
    if meant:
        return f"{name}: no such flag; did you mean {meant[0]}?"
    behind = [*arguments[arguments.index(argument) + 1 :], ""][0] if argument in arguments else ""
    if not equals and "=" not in behind and not behind.startswith("-"):
        value = behind
    key = name.lstrip("-").replace("-", "_")
    return f"{name}: no such flag; options are written without dashes: {key or 'KEY'}={value or 'VALUE'}"


@dataclass(frozen=True)
class Question:
    """What is asked about the configuration instead of a run.

    Attributes:
        explain: the option to be explained.
        list: the group whose options are listed; empty for the groups.
        copy: group and name of the file to be copied.
        to: the folder it is copied into.
        rest: the other arguments.
    """

    explain: str | None
    list: str | None
    copy: tuple[str, str] | None
    to: Path
    rest: tuple[str, ...]


def question(arguments: Sequence[str]) -> Question | None:
    """Return what ``--explain KEY``, ``--list [GROUP]`` or ``--copy GROUP NAME [--to FOLDER]`` ask; None if nothing.

    Raises:
        ConfigError: a folder is given, but nothing to copy into it.
    """
    if not any(argument.partition("=")[0] in _QUESTIONS for argument in arguments):
        return None
    parser = ArgumentParser(prog="zsl-run", add_help=False, allow_abbrev=False)
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--explain", metavar="KEY")
    asked.add_argument("--list", metavar="GROUP", nargs="?", const="")
    asked.add_argument("--copy", metavar=("GROUP", "NAME"), nargs=2)
    parser.add_argument("--to", metavar="FOLDER", type=Path)
    known, rest = parser.parse_known_args(list(arguments))
    if known.to is not None and known.copy is None:
        raise ConfigError(f"--to {known.to}: has no effect without --copy GROUP NAME")
    copy = None if known.copy is None else (known.copy[0], known.copy[1])
    return Question(known.explain, known.list, copy, known.to or Path("my_conf"), tuple(rest))


def _hydra_in(file: Path) -> dict[str, Any]:
    """Return what a primary file sets of Hydra's own, with dotted keys; nothing if it cannot be read (the check tells).

    Choices of its defaults list count with their group's name.
    """
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
    if not isinstance(values, dict):
        return {}
    given = values.get("hydra")
    chosen = re.findall(r"hydra/(\w+)", str(values.get("defaults")))
    return dict.fromkeys(chosen) | (flatten(given) if isinstance(given, dict) else {})


def _asks_for_several(overrides: Sequence[str]) -> bool:
    """Tell whether Hydra's mode or a preset of the group ``sweep`` is chosen; the last choice of each counts."""
    given = {override.lstrip("+").partition("=")[0]: override.partition("=")[2] for override in overrides}
    return given.get("hydra.mode") == "MULTIRUN" or given.get("sweep", "null") not in ("null", "")
