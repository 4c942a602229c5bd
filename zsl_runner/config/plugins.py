"""What other distributions add: schemas, and folders of YAML files. Each that cannot be used is told in one line.

Entry points of the group ``zsl_runner.schemas`` name a schema class each; those of ``zsl_runner.conf`` name a package,
whose folder is searched for YAML files as ``conf/`` is. A broken one is left out, and whatever does without it goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from omegaconf import MISSING

from zsl_runner.config.schema import Component

SCHEMAS = "zsl_runner.schemas"
FOLDERS = "zsl_runner.conf"
T = TypeVar("T")


@cache
def other_schemas() -> tuple[type[Component], ...]:
    """Return the schema classes of other distributions."""
    return tuple(schema for _, schema in _usable(SCHEMAS, _schema))


@cache
def other_folders() -> tuple[tuple[str, Path], ...]:
    """Return the folders of YAML files of other distributions, each with the distribution's name."""
    return tuple(_usable(FOLDERS, _folder))


@cache
def other_packages() -> dict[str, str]:
    """Return the packages that entry points lead to, as they are imported, each with its distribution's name."""
    found = {}
    for group in (SCHEMAS, FOLDERS):
        for entry in entry_points(group=group):
            package = entry.value.partition(":")[0].partition(".")[0]
            found[package] = entry.dist.name if entry.dist is not None else package
    return found


def _usable(group: str, load: Callable[[EntryPoint], T]) -> list[tuple[str, T]]:
    found = []
    for entry in entry_points(group=group):
        package = entry.dist.name if entry.dist is not None else "a package"
        try:
            found.append((package, load(entry)))
        except Exception as error:
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            print(
                f"{package}: its entry point {entry.name} = {entry.value} ({group}) is left out: {reason}; what it may "
                "import of this version is listed in docs/guides/own_model.md; upgrade or uninstall the package",
                file=sys.stderr,
            )
    return found


def _schema(entry: EntryPoint) -> type[Component]:
    schema = entry.load()
    if not (isinstance(schema, type) and issubclass(schema, Component)):
        raise TypeError("expected a subclass of ModelConf, DatasetConf, TrainerConf or EvaluatorConf")
    if "__dataclass_fields__" not in vars(schema):
        raise TypeError(f"{schema.__name__} lacks @dataclass, without which none of its options exists")
    if schema.__dataclass_fields__["kind"].default == MISSING:
        raise TypeError(f'{schema.__name__} declares no kind, as in kind: str = option("its name", ...)')
    for words in ("needs", "capabilities", "requires", "provides"):
        if isinstance(getattr(schema, words, ()), str):
            raise TypeError(f"{schema.__name__}.{words}: expected a frozenset of words, found a text")
    if hasattr(schema, "complaints"):  # it would never be asked
        raise TypeError("complaints() is called problems() in this version")
    return schema


def _folder(entry: EntryPoint) -> Path:
    spec = find_spec(entry.value)
    places = list(spec.submodule_search_locations or []) if spec is not None else []
    if not places:
        raise ImportError(f"there is no package {entry.value}")
    return Path(places[0])
