"""Command-line arguments as Hydra understands them, each by itself, and what is wrong with those it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from copy import copy
from functools import lru_cache

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from zsl_runner.config.bounds import DEEPEST, is_deep
from zsl_runner.config.loader import Loader
from zsl_runner.config.misread import misread
from zsl_runner.config.problems import Problem

_TORN = re.compile(r"[^=\s]+( =|= | = )[^=\s]*")
_LONGEST = 60
"""Characters of an argument that are shown in a message on its length."""


def parsed(loader: Loader, arguments: Sequence[str], problems: list[Problem]) -> list[Override]:
    """Return the arguments of one run, each one value; others are left out, and what is wrong added to ``problems``."""
    found = []
    for argument in _whole(arguments, problems):
        override = parse(argument, loader)
        if isinstance(override, Problem):
            problems.append(override)
        elif override.is_sweep_override():
            told = "several values: zsl-run -m runs all of them; one value that is a list is written key=[a,b]"
            if override.is_discrete_sweep() and not any(override.sweep_string_iterator()):
                told = f"{argument.partition('=')[2]} stands for no value"
            problems.append(Problem(override.key_or_group, told, f"command line: {argument}"))
        else:
            found.append(override)
    return found


def _whole(arguments: Sequence[str], problems: list[Problem]) -> Iterator[str]:
    """Yield the arguments; of one that spaces around its ``=`` tore apart, say so once."""
    rest = list(arguments)
    while rest:
        length = next((n for n in (3, 2) if n <= len(rest) and _TORN.fullmatch(" ".join(rest[:n]))), 1)
        pieces, rest = rest[:length], rest[length:]
        whole = "".join(pieces)
        if length == 1:
            yield whole
        else:
            told = f"not understood as key=value: there are spaces around '='; write {whole}"
            problems.append(Problem(whole.partition("=")[0], told, f"command line: {' '.join(pieces)}"))


def parse(argument: str, loader: Loader | None = None) -> Override | Problem:
    """Return a command-line argument as Hydra understands it, or what is wrong with it.

    Args:
        argument: ``key=value`` and the like.
        loader: knows the options that ``glob(...)`` in it chooses from.
    """
    override = _parse(argument)
    if isinstance(override, Override):
        override = copy(override)
        override.config_loader = loader
    return override


@lru_cache(maxsize=1024)  # each check of a run asks for each argument several times
def _parse(argument: str) -> Override | Problem:
    deep = f"nested too deeply: a whole configuration has fewer than {DEEPEST} levels"
    try:
        override = OverridesParser.create().parse_overrides([argument])[0]
        if not override.key_or_group:
            return Problem(argument, misread(argument, ""))
        if override.key_or_group.count(".") > DEEPEST or is_deep(override.value()):
            return Problem(_short(argument), deep)
        return override
    except RecursionError:
        return Problem(_short(argument), deep)
    except HydraException as error:
        reason = str(error).removeprefix(f"Error when parsing index: 0, string: {argument} out of {[argument]}.")  # 1.4
        return Problem(argument, misread(argument, re.sub(r"\s+", " ", reason).strip().partition(" See https")[0]))


def _short(argument: str) -> str:
    return argument if len(argument) <= _LONGEST else f"{argument[:_LONGEST]}..."
