"""What ``zsl-run --explain KEY``, ``--list GROUP`` and ``--copy GROUP NAME`` answer. Never imports torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf

from zsl_runner.config import quoting
from zsl_runner.config.compose import COMPOSED_GROUPS, compose
from zsl_runner.config.described import Described, options_below, own_options
from zsl_runner.config.draft import Draft
from zsl_runner.config.loader import Loader
from zsl_runner.config.overrides import parse
from zsl_runner.config.places import require_folder, require_free
from zsl_runner.config.problems import did_you_mean, numbered
from zsl_runner.config.registry import schemas
from zsl_runner.config.resume import compose_resumed, resumed
from zsl_runner.config.schema import GROUPS, RunConfig
from zsl_runner.config.words import shapes
from zsl_runner.errors import ConfigError
from zsl_runner.files.writing import write_bytes


def explain(key: str, loader: Loader, overrides: Sequence[str]) -> str:
    """Return what an option means, accepts and defaults to, who reads it, and its value with these overrides.

    Args:
        key: a full key; a block, of which all options are told; else the last part of keys. A group lists its files.
        loader: where the YAML files are.
        overrides: the choices and values of a command line.

    Raises:
        ConfigError: there is no such option, or the command line is not understood, so that no value is in force.
    """
    for override in overrides:
        parsed = parse(override, loader)
        if isinstance(parsed, Override) and parsed.is_sweep_override():
            raise ConfigError(f"{override}: several values; --explain tells the value of one run")
    directory = resumed(overrides)
    composition = compose(loader, overrides) if directory is None else compose_resumed(directory, overrides)
    draft = Draft(composition)
    # Only of these: what the files lack, a data set's folder for example, is what is asked about.
    misunderstood = [problem for problem in draft.problems if problem.origin.startswith("command line: ")]
    if problems := [*composition.problems, *misunderstood]:
        raise ConfigError(numbered(list(dict.fromkeys(problems)), "nothing is in force."))
    if key in COMPOSED_GROUPS:
        return options_of(key, loader)
    known = list(_all_options(loader))
    ending = [entry for entry in known if entry[1].key.endswith(f".{key}")]
    found = [entry for entry in known if f"{entry[1].key}.".startswith(f"{key}.")]
    others = list(dict.fromkeys(option.key for _, option in ending)) if found else []
    found = found or ending
    if not found:
        keys = {option.key for _, option in known}
        hint = did_you_mean(key, keys) or did_you_mean(key.rpartition(".")[2], {k.rpartition(".")[2] for k in keys})
        raise ConfigError(f"--explain {key}: there is no such option{hint}; docs/configuration.md lists all")
    readers: dict[Described, list[str]] = {}
    for reader, option in found:
        readers.setdefault(option, []).append(reader)
    values = OmegaConf.to_container(draft.node)
    read = _read_here(draft)
    in_force = {
        option: _in_force(option, values, draft)
        for option in readers
        if option in read or option.key.partition(".")[0] not in GROUPS
    }
    ordered = sorted(readers, key=lambda option: not in_force.get(option))  # what is read here comes first
    told = [_told(option, readers[option], in_force.get(option, "")) for option in ordered]
    return "\n\n".join([*told, f"see also {', '.join(others)}"] if others else told)


def options_of(group: str, loader: Loader) -> str:
    """Return the options of a group, each with the first sentence of its file.

    Raises:
        ConfigError: there is no such group.
    """
    if group not in COMPOSED_GROUPS:
        hint = did_you_mean(group, COMPOSED_GROUPS)
        raise ConfigError(f"--list {group}: no such group{hint}; the groups are {', '.join(COMPOSED_GROUPS)}")
    options = sorted(loader.options(group))
    width = max((len(option) for option in options), default=0)
    return "\n".join(f"{option:<{width}}  {_first_sentence(loader, group, option)}".rstrip() for option in options)


def copy_option(group: str, name: str, loader: Loader, folder: Path) -> str:
    """Copy the file of an option into a folder of one's own as ``my_NAME``, and return what to do with it.

    It needs a name of its own: where two files have one name, that of the package wins, as with Hydra.

    Raises:
        ConfigError: there is no such option, or the folder holds one of that name.
        RunError: the file cannot be written.
    """
    options = loader.options(group) if group in COMPOSED_GROUPS else []
    source = loader.repository.file(f"{group}/{name}") if name in options else None
    if source is None:
        hint = did_you_mean(name, options) if options else did_you_mean(group, COMPOSED_GROUPS)
        raise ConfigError(f"--copy {group} {name}: no such file{hint}; see zsl-run --list {group}")
    place, _, last = name.rpartition("/")
    own = f"{place}/my_{last}".lstrip("/")
    target = folder / group / f"{own}.yaml"
    require_free(target, "choose another folder with --to FOLDER")
    require_folder(target.parent, "--to")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(target, source.read_bytes())
    command = quoting.line("zsl-run", "--config-dir", quoting.place(folder), f"{group}={own}")
    return f"{target}: change it, then\n  {command}"


def _all_options(loader: Loader) -> Iterator[tuple[str, Described]]:
    """Yield every option with who reads it."""
    for option in own_options(RunConfig, ""):
        yield "every run", option
    for group in GROUPS:
        files: dict[str, list[str]] = {}
        for name in loader.options(group):
            files.setdefault(loader.kind_of_option(group, name) or "", []).append(f"{group}={name}")
        for kind, schema in schemas(group).items():
            reader = ", ".join(files.get(kind, [f"{group} of kind {kind}"]))
            for option in options_below(schema, group):
                yield reader, option
    for block, shape in shapes(RunConfig).items():
        if shape.is_section and block not in GROUPS:
            for option in options_below(shape.item, block):
                yield "every run", option


def _read_here(draft: Draft) -> set[Described]:
    """Return the options of the parts that were chosen."""
    chosen = ((group, schemas(group).get(draft.kinds.get(group, ""))) for group in GROUPS)
    return {option for group, schema in chosen if schema is not None for option in options_below(schema, group)}


def _in_force(option: Described, values: Any, draft: Draft) -> str:
    """Return an option's value and where it was given; nothing if it is inside a block that is null, or a list."""
    value = values
    for part in option.key.split("."):
        if not isinstance(value, dict) or part not in value:
            return ""
        value = value[part]
    text = yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()
    return f"{text}  ({draft.origin(option.key).describe(option.key)})"


def _told(option: Described, readers: Sequence[str], in_force: str) -> str:
    lines = [option.key, f"  {option.meaning}"]
    lines.append(f"  type      {option.type}{f', {option.accepted}' if option.accepted else ''}")
    lines.append(f"  default   {option.default}")
    lines.append(f"  read by   {', '.join(dict.fromkeys(readers))}")
    if in_force:
        lines.append(f"  in force  {in_force}")
    return "\n".join(lines)


def _first_sentence(loader: Loader, group: str, option: str) -> str:
    """Return the first sentence of the comment at the top of a file."""
    file = loader.repository.file(f"{group}/{option}")
    words: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines() if file is not None else []:
        text = line.removeprefix("#")
        if text == line or (words and (not text.strip() or text.startswith("   "))):
            break
        if text.strip() and not text.strip().startswith("@package"):
            words.append(text.strip())
    return re.split(r"(?<=[^.][.])\s+(?=[A-Z])", " ".join(words))[0]
