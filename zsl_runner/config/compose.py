"""Collects what YAML files and the command line say, layer by layer, without stopping at the first problem.

Hydra stops at the first problem it meets and merges without remembering where a value came from. Here its own
defaults-list machinery decides which files apply and in which order; the files are then kept apart as layers, so
that `zsl_runner.config.draft` can judge each value and name its origin.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from hydra._internal.config_repository import CachingConfigRepository
from hydra._internal.defaults_list import create_defaults_list
from hydra.core.default_element import ResultDefault
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from zsl_runner.config.loader import Loader
from zsl_runner.config.overrides import parse, parsed
from zsl_runner.config.paths import shown
from zsl_runner.config.problems import Origin, Problem, closest, did_you_mean, listed
from zsl_runner.config.schema import GROUPS

COMPOSED_GROUPS = (*GROUPS, "runtime", "tracker", "debug", "sweep", "experiment")

MISPRINT = 0.75
"""How alike the name of an option must be for the check to go on as if it had been written."""
EXTRAS = {
    "hydra/sweeper/optuna": "search",
    "hydra/launcher/joblib": "pool",
    "hydra/launcher/submitit_local": "slurm",
    "hydra/launcher/submitit_slurm": "slurm",
    "hydra/launcher/ray": "ray",
}
"""The extra of this package that brings an option of Hydra's groups."""
GONE = {
    "data_kind": "a data set's file does without it; a model's file has to name the evaluator itself",
    "scaling": "write the values below dataset:, as conf/model/bi_vaegan.yaml does",
}
"""Groups of earlier versions that files of users may name, and what to do."""


@dataclass(frozen=True)
class Layer:
    """Values given in one place.

    Attributes:
        values: nested values from the root of the configuration.
        origin: the place.
        removes: the key a ``~key`` argument wants gone.
    """

    values: dict[str, Any]
    origin: Origin
    removes: str | None = None


@dataclass
class Composition:
    """All layers in merging order, and the problems found on the way.

    Attributes:
        layers: later ones win.
        schemas: the schema entry (``kind``) each group's file starts from.
        typed: the primary file starts from the schema of a whole run (a saved configuration does not).
        abandoned: groups about which nothing can be said because their file could not be read.
        problems: those found while composing.
    """

    layers: list[Layer] = field(default_factory=list)
    schemas: dict[str, str] = field(default_factory=dict)
    typed: bool = False
    abandoned: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


_FILES: WeakKeyDictionary[Loader, dict[tuple[str, ...], Composition]] = WeakKeyDictionary()
"""What `_files` returned for each loader while it lives: the runs of a sweep share most of it."""


def compose(loader: Loader, arguments: Sequence[str]) -> Composition:
    """Return the layers that ``arguments`` (command-line overrides of one run) lead to."""
    problems: list[Problem] = []
    loader.extend_search_path(arguments)
    overrides = parsed(loader, arguments, problems)
    abandoned: set[str] = set()
    choices, values = [], []
    for override in overrides:
        if _is_no_option(override) and loader.repository.group_exists(override.key_or_group):
            problems.append(_no_option(loader, override))
            abandoned.add(override.key_or_group)
        elif _chooses_files(loader, override):
            choices.append(_with_known_option(loader, override, problems, abandoned))
        else:
            values.append(override)
    if "model" in abandoned:  # its file might name another trainer and another evaluator
        abandoned |= {"trainer", "evaluator"} - {choice.key_or_group for choice in choices}
    key = tuple(str(choice.input_line) for choice in choices)
    known = _FILES.setdefault(loader, {})
    files = known.get(key) or known.setdefault(key, _files(loader, key))
    return Composition(
        layers=[*files.layers, *command_line(values)] if files.layers else [],
        schemas=files.schemas,
        typed=files.typed,
        abandoned=files.abandoned | abandoned,
        problems=problems + files.problems,
    )


def command_line(overrides: Sequence[Override]) -> list[Layer]:
    """Return one layer for each override of a value; Hydra's own settings are left to Hydra."""
    layers = []
    for override in overrides:
        if override.is_hydra_override():
            continue
        origin = Origin(override=override.input_line)
        key = re.sub(r"\[(\w+)\]", r".\1", override.key_or_group)
        if override.is_delete():
            layers.append(Layer({}, origin, removes=key))
        else:
            layers.append(Layer(_nested(key, override.value()), origin))
    return layers


def _chooses_files(loader: Loader, override: Override) -> bool:
    """Tell whether an override decides which files apply (Hydra's own settings may: ``hydra.searchpath``)."""
    if override.is_hydra_override():
        return True
    return loader.repository.group_exists(override.key_or_group) and not isinstance(override.value(), dict)


def _is_no_option(override: Override) -> bool:
    """Tell whether a value cannot choose: overlays may be several, of everything else there is one."""
    value = override.value()
    if isinstance(value, list):
        return not value or override.key_or_group in (*GROUPS, "runtime", "tracker")
    return not override.is_delete() and not isinstance(value, (str, dict))


def _no_option(loader: Loader, override: Override) -> Problem:
    group = override.key_or_group
    found = "null" if override.value() is None else override.value()
    message = f"expected the name of one option, found {found}; {_options(loader.options(group))}"
    return Problem(group, message, f"command line: {override.input_line}")


def _with_known_option(loader: Loader, override: Override, problems: list[Problem], abandoned: set[str]) -> Override:
    """Complain about an unknown option of a group; to find further problems go on with the one that was misprinted."""
    group, value = override.key_or_group, override.value()
    if override.is_delete() or not isinstance(value, str) or override.package is not None:
        return override
    origin = f"command line: {override.input_line}"
    if (override.is_add() or override.is_force_add()) and group in COMPOSED_GROUPS:
        problems.append(Problem(group, f"is already part of the configuration: write {group}={value}", origin))
        override = _chosen(group, value)
    is_path = ".." in value.split("/")  # which leads to files of other groups
    if not loader.repository.group_exists(group) or (
        not is_path and loader.repository.config_exists(f"{group}/{value}")
    ):
        return override
    options = loader.options(group)
    problems.append(_unknown_option(loader, group, value, options, origin))
    meant = None if _is_folder(value, options) else closest(value, options, alike=MISPRINT)
    if meant is None:
        abandoned.add(group)
        loader.repository.forgiven.add(f"{group}/{value}")
        return override
    return _chosen(group, meant)


def _chosen(group: str, option: str) -> Override:
    override = parse(f"{group}={option}")
    assert isinstance(override, Override)
    return override


def _unknown_option(loader: Loader, group: str, value: str, options: Sequence[str], origin: str) -> Problem:
    extra = EXTRAS.get(f"{group}/{value}")
    if extra is not None:
        return Problem(group, f"{value!r} needs a plugin that is not installed: pip install 'zsl-run[{extra}]'", origin)
    if _is_folder(value, options):
        inside = ", ".join(option for option in options if option.startswith(f"{value}/"))
        return Problem(group, f"{value!r} is a folder of options; choose one of them: {inside}", origin)
    if group.startswith("schema/"):
        meant = did_you_mean(value, options) or (
            "; a package of yours names its own in its entry points zsl_runner.schemas, and is installed again when "
            "these change, even if it is editable"
        )
        return Problem(group, f"no class of options is of kind {value!r}{meant}; {_options(options)}", origin)
    is_in_folder = any(option.endswith(f"/{value}") for option in options)
    groups = () if is_in_folder else COMPOSED_GROUPS
    elsewhere = [f"{other}={value}" for other in groups if value in loader.options(other)]
    meant = f"; did you mean {' or '.join(elsewhere)}?" if elsewhere else did_you_mean(value, options)
    if group in GROUPS and not elsewhere and closest(value, options, alike=MISPRINT) is None:
        meant += " (what a package of yours brings is here once that is installed)"
    return Problem(group, f"no option {value!r}{meant}; {_options(options)}", origin)


def _is_folder(value: str, options: Sequence[str]) -> bool:
    return any(option.startswith(f"{value}/") for option in options)


def _options(options: Sequence[str]) -> str:
    """Return in words which options there are; those in folders in lines of their own."""
    lines = listed(options) or ["none"]
    separator = "\n" if len(lines) > 1 else " "
    return f"the options are:{separator}" + "\n".join(lines)


def _files(loader: Loader, choices: tuple[str, ...]) -> Composition:
    """Return the layers of the files that apply."""
    composition = Composition()
    defaults = _defaults(loader, choices, composition)
    for repository, default in defaults:
        _add_file(loader, repository, default, composition)
        broken = loader.repository.broken.get(default.config_path or "")
        if broken is not None and broken not in composition.problems:
            composition.problems.append(broken)
            composition.abandoned.add(broken.key.partition("/")[0])
        if default.config_path and "/" in default.config_path:
            _complain_of_hidden(loader, default.config_path, composition)
    return composition


def _complain_of_hidden(loader: Loader, path: str, composition: Composition) -> None:
    """Report that a file of the user's would have no effect, as an earlier one of its name is read in its place."""
    found = loader.repository.hidden(path)
    if found is not None:
        hidden, read = found
        message = f"{shown(read)} comes first, and this file is not read; give it a name of its own"
        composition.problems.append(Problem(path, message, Origin(file=hidden).describe()))


def _defaults(
    loader: Loader, choices: Sequence[str], composition: Composition
) -> list[tuple[CachingConfigRepository, ResultDefault]]:
    """Return the files that apply; a file that a defaults list names in vain is reported and left out."""
    while True:
        try:
            parsed, repository = loader.parsed(choices)
            chosen = create_defaults_list(
                repo=repository,
                config_name=loader.primary,
                overrides_list=parsed,
                prepend_hydra=True,
                skip_missing=False,
            )
            return [(repository, default) for default in chosen.defaults]
        except MissingConfigException as error:
            missing = error.missing_cfg_file
            if missing is None or missing in loader.repository.forgiven or missing == loader.primary:
                composition.problems.append(Problem("configuration", str(error).partition("\nConfig search path")[0]))
                return []
            loader.repository.forgiven.add(missing)
            composition.problems.append(_missing_file(loader, missing, str(error), error.options))
            composition.abandoned.add(missing.removeprefix("schema/").partition("/")[0])
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            composition.problems.append(Problem("configuration", f"{error}{_hint(str(error))}"))
            return []
        except RecursionError:
            circle = [str(loader.repository.file(path) or path) for path in loader.repository.circle()]
            told = f"defaults lists lead in a circle: {' -> '.join(circle)}" if circle else "defaults lists have no end"
            composition.problems.append(Problem("configuration", told))
            return []


def _hint(message: str) -> str:
    """Return what to write instead, if Hydra stumbled over how a file inside a group names another group."""
    gone = next((group for group in GONE if re.search(rf"(override '/?|\$\{{){group}\b", message)), None)
    if gone is not None:
        return f"\nthis group no longer exists: {GONE[gone]}"
    found = re.search(r"'(\w+)@\w+\.\1'", message)
    return f"\nWithin a group's file write: override /{found[1]}@_global_.{found[1]}: OPTION" if found else ""


def _missing_file(loader: Loader, missing: str, message: str, options: Sequence[str] | None) -> Problem:
    group, _, value = missing.partition("/")
    if group not in COMPOSED_GROUPS and group not in GONE:  # one of Hydra's, or of the schemas
        group, _, value = missing.rpartition("/")
    named_in = re.match(r"In '([^']+)'", message)
    parent = loader.repository.chosen_in(group, value) or (named_in[1] if named_in else None)
    file = loader.repository.file(parent) if parent else None
    origin = Origin(file=file).describe() if file else ""
    if group in GONE:
        return Problem(group, f"this group no longer exists: {GONE[group]}", origin)
    if group.startswith("schema/") or group in COMPOSED_GROUPS:
        options = loader.options(group)
    return _unknown_option(loader, group or "configuration", value, options or [], origin)


def _add_file(
    loader: Loader, repository: CachingConfigRepository, default: ResultDefault, composition: Composition
) -> None:
    path = default.config_path or ""
    loaded = repository.load_config(path)
    if loaded is None:
        return
    package = default.package if default.package is not None else loaded.header["package"]
    if path.startswith("hydra/") or (package or "").split(".")[0] == "hydra":
        return
    if path == "schema/run":
        composition.typed = True
    elif path.startswith("schema/"):
        _, group, kind = path.split("/", 2)
        if group == package:
            composition.schemas[group] = kind
    else:
        values = OmegaConf.to_container(loaded.config, resolve=False)
        origin = Origin(file=loader.repository.file(path), inside=package or "")
        if not isinstance(values, dict):
            composition.problems.append(Problem(path, "expected keys and values, found a list", origin.describe()))
            return
        nested = _nested(package, values) if package else {str(k): v for k, v in values.items() if k != "hydra"}
        composition.layers.append(Layer(nested, origin))


def _nested(key: str, value: Any) -> dict[str, Any]:
    """Return ``value`` below a dotted key.

    >>> _nested("a.b", 1)
    {'a': {'b': 1}}
    """
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)
