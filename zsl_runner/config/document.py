"""Writes ``docs/configuration.md`` from the schemas: ``python -m zsl_runner.config.document docs/configuration.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from zsl_runner.config.described import REQUIRED, Described, options_below, own_options
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.registry import schemas
from zsl_runner.config.schema import GROUPS, Component, RunConfig
from zsl_runner.config.words import shapes
from zsl_runner.files.writing import write_text

_HEAD = """# Every option

Made from the schemas by `python -m zsl_runner.config.document docs/configuration.md`; a test keeps it up to date.

A run is put together from groups: `zsl-run model=vzsl runtime=cpu` chooses the files `conf/model/vzsl.yaml` and
`conf/runtime/cpu.yaml`. Single values are set with their full key: `zsl-run model.latent_dim=32`. Files give values;
which keys exist, what they accept and what they mean is fixed by the schema of the file's *kind*, and stands below. The
default shown is the schema's; a file in `conf/` may give another one (`zsl-run --cfg job` shows the values in force).

    zsl-run --explain model.latent_dim model=vzsl     one option: meaning, values, who reads it, its value here
    zsl-run --list trainer                            the files of a group, a line each
    zsl-run --copy experiment sgal/cub                a copy to change, in my_conf
"""
_SHORT = """## What most people change

Beside the parts themselves (`dataset=`, `model=`, `trainer=`, `experiment=`), as `model=sgal` and `trainer=em` have it.
"""

_TOUCHED = {
    "": ("seed", "name", "outputs", "resume", "task"),
    "dataset:xlsa17": ("dataset.root",),
    "model:sgal": ("model.latent_dim",),
    "trainer:em": ("trainer.batch_size", "trainer.optim.lr"),
    "evaluator:zsl": ("evaluator.stages", "evaluator.every"),
    "runtime": ("runtime.device", "runtime.precision", "runtime.threads"),
    "tracker": ("tracker.figures", "tracker.progress"),
}
"""What most people change, by the schema that describes it."""


def document() -> str:
    """Return the whole page as markdown."""
    parts = [
        _HEAD,
        _SHORT,
        _table(_touched()),
        "## The run\n",
        "Keys at the top.\n",
        _table(own_options(RunConfig, "")),
    ]
    for group, base in GROUPS.items():
        parts += [f"## `{group}`\n", _first_line(base), f"Files: {_files(group)}.\n"]
        for kind, schema in schemas(group).items():
            parts += [
                f"### `{group}` of kind `{kind}`\n",
                _component(group, kind, schema),
                _table(options_below(schema, group)),
            ]
    for block, shape in shapes(RunConfig).items():
        if shape.is_section and block not in GROUPS:
            files = f"Files: {_files(block)}.\n" if (conf_directory() / block).is_dir() else ""
            parts += [f"## `{block}`\n", _first_line(shape.item), files, _table(options_below(shape.item, block))]
    return "\n".join(part for part in parts if part)


def main() -> int:
    """Write the page to the path given as the only argument."""
    if len(sys.argv) != 2:
        print("usage: python -m zsl_runner.config.document FILE", file=sys.stderr)
        return 2
    write_text(Path(sys.argv[1]), document())
    return 0


def _touched() -> Iterable[Described]:
    """Yield the options of `_TOUCHED`, in its order."""
    for place, keys in _TOUCHED.items():
        group, _, kind = place.partition(":")
        schema = schemas(group)[kind] if kind else shapes(RunConfig)[group].item if group else RunConfig
        known = {option.key: option for option in (options_below if group else own_options)(schema, group)}
        yield from (known[key] for key in keys)


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


def _table(options: Iterable[Described]) -> str:
    lines = ["| key | type | default | accepted | meaning |", "|---|---|---|---|---|"]
    for option in options:
        default = option.default if option.default == REQUIRED else f"`{option.default}`"
        cells = (f"`{option.key}`", option.type, default, option.accepted, option.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


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
