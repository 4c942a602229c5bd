"""Finds the configuration schemas: one dataclass per kind, in the folder of its implementation.

Such a folder has a torch-free ``conf.py``, and every subclass of the group's base that it defines is a member of the
group: ``zsl_runner/models/sgal/conf.py`` defines ``SGALConf(ModelConf)``, which is found without being listed anywhere.
Other distributions add theirs as `plugins` says.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from inspect import isfunction
from typing import Any

from zsl_runner.config.plugins import other_schemas
from zsl_runner.config.schema import GROUPS, Component
from zsl_runner.errors import ConfigError

PACKAGES = {
    "dataset": "zsl_runner.data.sources",
    "model": "zsl_runner.models",
    "trainer": "zsl_runner.trainers",
    "evaluator": "zsl_runner.evaluation",
}


def kind_of(schema: type[Component]) -> str:
    """Return the ``kind`` a schema class declares as its default."""
    return str(schema.__dataclass_fields__["kind"].default)


def _own_schemas(group: str) -> list[type[Component]]:
    package = importlib.import_module(PACKAGES[group])
    found = []
    for module in pkgutil.iter_modules(package.__path__, PACKAGES[group] + "."):
        if not module.ispkg or find_spec(module.name + ".conf") is None:
            continue
        conf = importlib.import_module(module.name + ".conf")
        found += [
            value
            for value in vars(conf).values()
            if isinstance(value, type) and issubclass(value, GROUPS[group]) and value.__module__ == conf.__name__
        ]
    return found


@cache
def schemas(group: str) -> dict[str, type[Component]]:
    """Return the schema classes of a group by their ``kind``.

    Raises:
        ConfigError: two schemas claim one kind.
    """
    found = _own_schemas(group) + [schema for schema in other_schemas() if issubclass(schema, GROUPS[group])]
    table: dict[str, type[Component]] = {}
    for schema in found:
        kind = kind_of(schema)
        if kind in table:
            first, second = (f"{conf.__module__}:{conf.__qualname__}" for conf in (table[kind], schema))
            raise ConfigError(
                f"two {group} schemas claim kind={kind!r}: {first}, {second}; uninstall one of the packages"
            )
        table[kind] = schema
    return dict(sorted(table.items()))


def resolve(implementation: str) -> Any:
    """Import what ``package.module:name`` names.

    Raises:
        ConfigError: it cannot be imported, or is a class without a method that it must define or with one that takes
            other arguments than that of its base class.
    """
    module, _, name = implementation.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise ConfigError(f"{implementation} cannot be imported: {error}; it is named as an implementation") from error
    if isinstance(found, type):
        members = ((member, getattr(found, member, None)) for member in dir(found))
        missing = [member for member, value in members if getattr(value, "__isabstractmethod__", False)]
        if missing:
            raise ConfigError(
                f"{implementation} must define {', '.join(missing)}; its base classes say what they take and return"
            )
        if misfit := next(_misfits(found), None):
            raise ConfigError(f"{implementation}: {misfit}")
    return found


def built(implementation: str, *arguments: Any) -> Any:
    """Call what ``package.module:name`` names.

    Raises:
        ConfigError: as in `resolve`, or it does not take these arguments.
    """
    make = resolve(implementation)
    try:
        inspect.signature(make).bind(*arguments)
    except TypeError as error:
        given = ", ".join(type(argument).__name__ for argument in arguments)
        raise ConfigError(f"{implementation} is called with ({given}), which it does not take: {error}") from error
    return make(*arguments)


def _misfits(found: type) -> Iterator[str]:
    """Yield in words each method that does not take by place what the method it overrides takes, if that is ours."""
    for base in found.__mro__[1:]:
        if not base.__module__.startswith("zsl_runner."):
            continue
        for name, asked in vars(base).items():
            own = getattr(found, name)
            if name.startswith("_") or own is asked or not (isfunction(asked) and isfunction(own)):
                continue
            by_place = [
                entry
                for entry in inspect.signature(asked).parameters.values()
                if entry.kind in (entry.POSITIONAL_ONLY, entry.POSITIONAL_OR_KEYWORD)
            ]
            try:
                inspect.signature(own).bind(*by_place)
            except TypeError as error:
                takes, expected = (", ".join(inspect.signature(method).parameters) for method in (own, asked))
                yield f"{name}({takes}) is called as {base.__name__}.{name}({expected}): {error}"
