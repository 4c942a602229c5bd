"""What a shell offers behind ``zsl-run`` when Tab is pressed: options in folders, too, and unfinished runs."""

from __future__ import annotations

import os
from pathlib import Path

from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.plugins.completion_plugin import CompletionPlugin

from zsl_runner.config.command import Command
from zsl_runner.config.loader import Loader
from zsl_runner.config.saved import CONFIG_FILE
from zsl_runner.console.terminal import require_printed
from zsl_runner.errors import ConfigError, RunError
from zsl_runner.files.folders import entries
from zsl_runner.runs.result import Result

_DEEPEST = 5
"""Folders between ``outputs`` and a run; usual ones have three: model, data set, run."""
_OUTPUTS = Path("outputs")
_RESUME = "resume="
_LINE = "COMP_LINE"
"""Where Hydra's plugins find the line typed so far."""
_VERBS = ("install", "uninstall", "query")


def answer_shell(command: Command) -> None:
    """Print what ``zsl-run -sc install=SHELL``, ``uninstall=SHELL`` or ``query=SHELL`` asks for.

    Hydra's plugins for shells do it, with our own loader, which knows options in folders and hides the schemas.

    Raises:
        ConfigError: none of these is asked for, or not of a shell that is known; or a query without a line typed.
        OSError: standard output is full.
    """
    usual = CompletionPlugin._query

    def query(plugin: CompletionPlugin, config_name: str | None, line: str) -> list[str]:
        word = line.rpartition(" ")[2]
        if word.startswith(_RESUME):
            return [f"{_RESUME}{place}" for place in unfinished_runs(word.removeprefix(_RESUME))]
        found: list[str] = usual(plugin, config_name, line)
        return found

    program = Hydra("zsl-run", Loader(command.source))
    GlobalHydra.instance().initialize(program)
    CompletionPlugin._query = query
    try:
        shells = program.get_shell_to_plugin_map(program.config_loader)
        known = [f"{verb}={shell}" for verb in _VERBS for shell in sorted(shells)]
        if len(command.overrides) != 1 or command.overrides[0] not in known:
            found = " ".join(command.overrides) or "nothing"
            raise ConfigError(f"--shell-completion: expected one of {', '.join(known)}, found {found}")
        if command.overrides[0].startswith("query") and _LINE not in os.environ:
            raise ConfigError(
                f"--shell-completion {command.overrides[0]}: shells ask so, with the line typed in {_LINE}"
            )
        program.shell_completion(config_name=command.source.name, overrides=list(command.overrides))
        require_printed()
    finally:
        CompletionPlugin._query = usual
        GlobalHydra.instance().clear()


def unfinished_runs(begun: str) -> list[str]:
    """Return the directories of runs that are not complete and whose path begins as given.

    Args:
        begun: what has been typed: the beginning of a path below ``outputs``, which is looked through where it is
            empty, or of a folder elsewhere; with or without ``./``, which a shell wants back.
    """
    bare = begun.removeprefix("./")
    here = begun.removesuffix(bare)
    typed = Path(bare).parent if not bare.endswith("/") else Path(bare)
    top = _OUTPUTS if str(_OUTPUTS).startswith(bare.rstrip("/")) else typed
    return sorted(f"{here}{run}" for run in _runs(top, _DEEPEST) if str(run).startswith(bare))


def _runs(folder: Path, deepest: int) -> list[Path]:
    if (folder / CONFIG_FILE).is_file():
        try:
            return [] if Result.load(folder).status == "complete" else [folder]
        except RunError:
            return [folder]
    if not deepest:
        return []
    below = [place for place in entries(folder, "*") if place.is_dir() and not place.name.startswith(".")]
    return [run for place in below for run in _runs(place, deepest - 1)]
