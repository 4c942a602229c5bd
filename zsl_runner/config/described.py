"""Every option in words: key, type, default, accepted values and meaning, from the schemas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import dataclass, fields
from typing import Any

import yaml
from omegaconf import MISSING

from zsl_runner.config.words import Shape, rules, shapes

REQUIRED = "required"
"""Stands for the default of an option that has none."""


@dataclass(frozen=True)
class Described:
    """An option in words.

    Attributes:
        key: its full key; ``N`` and ``NAME`` stand for places in lists and names in mappings.
        type: its type.
        default: the schema's default as YAML, or `REQUIRED`.
        accepted: the accepted values; empty if the type says it all.
        meaning: one line.
    """

    key: str
    type: str
    default: str
    accepted: str
    meaning: str


def own_options(schema: type[Any], prefix: str) -> Iterator[Described]:
    """Yield the options of a schema that are no blocks of options."""
    for name, shape in shapes(schema).items():
        if not shape.is_section:
            yield _described(schema, name, f"{prefix}.{name}".lstrip("."), shape)


def options_below(schema: type[Any], prefix: str) -> Iterator[Described]:
    """Yield the options of a schema and of its blocks, in order of declaration."""
    for name, shape in shapes(schema).items():
        key = f"{prefix}.{name}"
        if not shape.is_section:
            yield _described(schema, name, key, shape)
            continue
        if shape.container != "value" or shape.optional:
            yield _described(schema, name, key, shape)
        entry = {"value": "", "list": ".N", "dict": ".NAME"}[shape.container]
        yield from options_below(shape.item, key + entry)


def _described(schema: type[Any], name: str, key: str, shape: Shape) -> Described:
    rule = rules(schema)[name]
    return Described(key, shape.describe(), _default(schema, name), rule.describe(), rule.doc)


def _default(schema: type[Any], name: str) -> str:
    field = next(field for field in fields(schema) if field.name == name)
    value = field.default_factory() if field.default_factory is not NO_DEFAULT else field.default
    if value is NO_DEFAULT or (isinstance(value, str) and value == MISSING):
        return REQUIRED
    text: str = yaml.safe_dump(value, default_flow_style=True)
    return text.removesuffix("\n...\n").strip()
