"""Writes ``docs/configuration.md`` from the schemas: ``python -m zsl_runner.config.document docs/configuration.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from omegaconf import MISSING

from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.registry import schemas
from zsl_runner.config.schema import GROUPS, Component, RunConfig
from zsl_runner.config.words import Shape, rules, shapes
from zsl_runner.files.writing import write_text

_HEAD = """# Every option

Made from the schemas by `python -m zsl_runner.config.document docs/configuration.md`; a test keeps it up to date.

A run is put together from groups: `zsl-run model=vzsl runtime=cpu` chooses the files `conf/model/vzsl.yaml` and
`conf/runtime/cpu.yaml`. Single values are set with their full key: `zsl-run model.latent_dim=32`. Files give values;
which keys exist, what they accept and what they mean is fixed by the schema of the file's *kind*, and stands below. The
default shown is the schema's; a file in `conf/` may give another one (`zsl-run --cfg job` shows the values in force).
"""


def document() -> str:
    """Return the whole page as markdown."""
    parts = [_HEAD, "## The run\n", "Keys at the top.\n", _table(_own_rows(RunConfig))]
    for group, base in GROUPS.items():
        parts += [f"## `{group}`\n", _first_line(base), f"Files: {_files(group)}.\n"]
        for kind, schema in schemas(group).items():
            parts += [
                f"### `{group}` of kind `{kind}`\n",
                _component(group, kind, schema),
                _table(_rows(schema, group)),
            ]
    for block, shape in shapes(RunConfig).items():
        if shape.is_section and block not in GROUPS:
            files = f"Files: {_files(block)}.\n" if (conf_directory() / block).is_dir() else ""
            parts += [f"## `{block}`\n", _first_line(shape.item), files, _table(_rows(shape.item, block))]
    return "\n".join(part for part in parts if part)


def main() -> int:
    """Write the page to the path given as the only argument."""
    if len(sys.argv) != 2:
        print("usage: python -m zsl_runner.config.document FILE", file=sys.stderr)
        return 2
    write_text(Path(sys.argv[1]), document())
    return 0


def _component(group: str, kind: str, schema: type[Component]) -> str:
    files = [f"`{group}={name}`" for name, found in _options(group).items() if found == kind]
    said = [_first_line(schema).strip(), f"Chosen by {', '.join(files)}." if files else ""]
    for attribute, words in (
        ("provides", "Provides"),
        ("needs", "Needs of the data set"),
        ("requires", "Calls of the model"),
        ("capabilities", "Offers"),
    ):
        names = sorted(getattr(schema, attribute, ()))
        if names:
            said.append(f"{words}: {', '.join(names)}.")
    return " ".join(part for part in said if part) + "\n"


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| key | type | default | accepted | meaning |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _own_rows(schema: type[Any]) -> Iterable[tuple[str, ...]]:
    for name, shape in shapes(schema).items():
        if not shape.is_section:
            yield _row(schema, name, name, shape)


def _rows(schema: type[Any], prefix: str) -> Iterable[tuple[str, ...]]:
    for name, shape in shapes(schema).items():
        key = f"{prefix}.{name}"
        if not shape.is_section:
            yield _row(schema, name, key, shape)
            continue
        if shape.container != "value" or shape.optional:
            yield _row(schema, name, key, shape)
        entry = {"value": "", "list": ".N", "dict": ".NAME"}[shape.container]
        yield from _rows(shape.item, key + entry)


def _row(schema: type[Any], name: str, key: str, shape: Shape) -> tuple[str, ...]:
    rule = rules(schema)[name]
    return f"`{key}`", shape.describe(), _default(schema, name), rule.describe(), rule.doc


def _default(schema: type[Any], name: str) -> str:
    field = next(field for field in fields(schema) if field.name == name)
    value = field.default_factory() if field.default_factory is not NO_DEFAULT else field.default
    if value is NO_DEFAULT or (isinstance(value, str) and value == MISSING):
        return "required"
    text = yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()
    return f"`{text}`"


def _first_line(schema: type[Any]) -> str:
    return (schema.__doc__ or "").strip().splitlines()[0] + "\n"


def _files(group: str) -> str:
    return ", ".join(f"`{name}`" for name in _options(group))


@cache
def _options(group: str) -> dict[str, str]:
    """Return the files of a group by name, each with the kind of its schema (empty for a plain group)."""
    loader = Loader(Source(conf_directory()))
    return {option: loader.kind_of_option(group, option) or "" for option in loader.options(group)}


if __name__ == "__main__":
    sys.exit(main())
