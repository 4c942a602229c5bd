"""Types in the words of users, and the shape of a dataclass field; for messages and documentation tables."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass
from typing import Any

from zsl_runner.config.fields import RULE, Rule

_SINGULAR = {int: "an integer", float: "a number", bool: "true or false", str: "text"}
_PLURAL = {int: "integers", float: "numbers", bool: "true/false values", str: "texts"}
_SHAPES: dict[type[Any], dict[str, Shape]] = {}


@dataclass(frozen=True)
class Shape:
    """What a field holds.

    Attributes:
        container: ``value``, ``list`` or ``dict``.
        item: type of the value or of the entries.
        optional: null is allowed.
    """

    container: str
    item: type[Any]
    optional: bool

    @property
    def is_section(self) -> bool:
        """Tell whether the value, or each entry, is a block of options."""
        return dataclasses.is_dataclass(self.item)

    def describe(self) -> str:
        """Return the type in words, e.g. ``a list of numbers or null``."""
        if self.container == "value":
            words = "a block of options" if self.is_section else _SINGULAR.get(self.item, self.item.__name__)
        else:
            entries = "blocks of options" if self.is_section else _PLURAL.get(self.item, self.item.__name__)
            words = f"a list of {entries}" if self.container == "list" else f"a mapping of names to {entries}"
        return f"{words} or null" if self.optional else words


def shapes(schema: type[Any]) -> dict[str, Shape]:
    """Return the shape of every field of a schema class, in order of declaration."""
    if schema not in _SHAPES:
        hints = typing.get_type_hints(schema)
        _SHAPES[schema] = {field.name: _shape(hints[field.name]) for field in dataclasses.fields(schema)}
    return _SHAPES[schema]


def has_option(schema: type[Any], key: str) -> bool:
    """Tell whether a schema class has an option, or a block of options, at a dotted path."""
    name, _, below = key.partition(".")
    shape = shapes(schema).get(name)
    if shape is None or not below:
        return shape is not None
    return shape.is_section and shape.container == "value" and has_option(shape.item, below)


def rules(schema: type[Any]) -> dict[str, Rule]:
    """Return the rule of every field; one that is declared again without a rule keeps that of the base class."""
    table = {}
    for name in shapes(schema):
        declared = [base.__dataclass_fields__.get(name) for base in schema.__mro__ if dataclasses.is_dataclass(base)]
        found = [field.metadata[RULE] for field in declared if field is not None and RULE in field.metadata]
        table[name] = found[0] if found else Rule("")
    return table


def _shape(hint: Any) -> Shape:
    optional = False
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        optional, hint = len(members) < len(typing.get_args(hint)), members[0]
    container = {list: "list", dict: "dict"}.get(typing.get_origin(hint), "value")
    return Shape(container, typing.get_args(hint)[-1] if container != "value" else hint, optional)
