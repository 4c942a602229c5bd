"""Mutated YAML files: overlays in a folder of the user's, and whole configurations to start from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from scripts.torture.values import ODD, some_key, typo

Mutation = tuple[tuple[str, ...], str | None, str | None]
HEAD = "# @package _global_\n"


def _nested(key: str, text: str) -> str:
    """Return YAML that gives a dotted key a value."""
    parts = key.split(".")
    lines = [f"{'  ' * depth}{part}:" for depth, part in enumerate(parts)]
    return "\n".join(lines) + f" {text}\n"


def _overlay(home: Path, content: str | bytes, group: str = "experiment") -> tuple[str, ...]:
    """Write the file of a choice ``mine`` and return the arguments that choose it."""
    folder = home / "conf" / group
    folder.mkdir(parents=True)
    raw = content if isinstance(content, bytes) else content.encode("utf-8", errors="surrogatepass")
    (folder / "mine.yaml").write_bytes(raw)
    return ("--config-dir", str(home / "conf"), f"{group}=mine")


def value_in_overlay(draw: np.random.Generator, values: Mapping[str, Any], home: Path) -> Mutation:
    """Give a key an odd value in an experiment's file."""
    texts = [
        text for text in ODD if "${" not in text and "\n" not in text and not text.startswith((" ", "\t", "\ufeff"))
    ]
    key, text = some_key(draw, values), str(texts[draw.integers(len(texts))])
    arguments = _overlay(home, HEAD + _nested(key, text))
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError:
        return arguments, None, None
    return arguments, key, "null" if read is None else text


def key_in_overlay(draw: np.random.Generator, values: Mapping[str, Any], home: Path) -> Mutation:
    """Misspell a key in an experiment's file, or put it in a wrong place."""
    key = some_key(draw, values)
    parts = key.split(".")
    choices = (
        ".".join([*parts[:-1], typo(draw, parts[-1])]),
        ".".join([typo(draw, parts[0]), *parts[1:]]),
        f"x.{key}",
        f"{key}.x",
        ".".join(parts[1:] or ["x"]),
        key.replace("_", "-") if "_" in key else f"{key}-x",
    )
    mutated = str(choices[draw.integers(len(choices))])
    text = yaml.safe_dump(values[key]).removesuffix("...\n").strip()
    known = mutated if mutated in values else None
    return _overlay(home, HEAD + _nested(mutated, text)), known, text if known else None


def broken_overlay(draw: np.random.Generator, values: Mapping[str, Any], home: Path) -> Mutation:
    """Write a file that is no proper overlay."""
    deep = "".join(f"{' ' * depth}a:\n" for depth in range(int(draw.integers(50, 900))))
    contents: tuple[str | bytes, ...] = (
        "a: [",
        "a: {",
        "a: 'x",
        "\ta: 1\n",
        "a:\n\t- 1\n",
        "- 1\n- 2\n",
        "text\n",
        "1\n",
        "a: b: c\n",
        "? a\n",
        "%YAML 3.0\n---\na: 1\n",
        "a: &x [*x]\n",
        "<<: *nothing\n",
        "seed: !!python/object:os.system 1\n",
        "seed: !mine 1\n",
        "seed: 1\nseed: 2\n---\nseed: 3\n",
        b"\xff\xfe\x00\x00",
        b"seed: \xe9\n",
        b"\x00\x00\x00",
        "seed: 1\x00\n",
        "seed: \x07\n",
        "defaults:\n  - /experiment: mine\n",
        "defaults:\n  - mine\n",
        "defaults:\n  - _self_\n  - mine@x\n",
        "defaults: mine\n",
        "defaults:\n  - override /model: nothing\n",
        "defaults:\n  - override /nothing: x\n",
        "defaults:\n  - nothing\n",
        "defaults: {a: 1}\n",
        "defaults:\n  - {}\n",
        "defaults:\n  - 1\n",
        "defaults:\n  - [a]\n",
        "defaults:\n  - a: b\n    c: d\n",
        "defaults:\n  - /model: [sgal, vzsl]\n",
        "[" * 3000,
        "{a: " * 3000,
        deep,
        "a: " + "[" * 800 + "]" * 800,
        "? [" * 500,
        f"# @package {'a.' * 500}b\nx: 1\n",
        "# @package ???\nx: 1\n",
        "seed: 1e400\n",
        f"seed: {'9' * 5000}\n",
        "1: 2\n",
        "null: 1\n",
        "true: 1\n",
        "seed: {}\n",
        "model: 1\n",
        "model: []\n",
        "model: null\n",
        "trainer: text\n",
        "model:\n  kind: nothing\n",
        "model:\n  kind: [a]\n",
        "model:\n  kind: null\n",
        "model: ???\n",
        "seed: ${seed}\n",
        "seed: ${a}\n",
        "seed: ${model\n",
        "seed: ${oc.env:A B}\n",
        "seed: ${now:}\n",
        "hydra: 1\n",
        "hydra:\n  run: x\n",
        "hydra:\n  nothing: 1\n",
        "2026-01-01: 1\n",
        "! 1: 2\n",
        "seed: 2026-01-01\n",
        "a.b: 1\n",
        "model.latent_dim: 3\n",
        "\ufeffnothing: 1\n",
        "seed: 12:30:45\n",
        "=: 1\n",
    )
    content = contents[draw.integers(len(contents))]
    if isinstance(content, str) and not content.startswith(("#", "%", "\ufeff")) and draw.random() < 0.7:
        content = HEAD + content
    group = (
        ("experiment", "model", "dataset", "trainer", "runtime")[draw.integers(5)]
        if draw.random() < 0.4
        else "experiment"
    )
    return _overlay(home, content, group), None, None


def damaged_configuration(draw: np.random.Generator, values: Mapping[str, Any], home: Path) -> Mutation:
    """Damage the whole configuration that a run would have saved, and start from it."""
    nested: dict[str, Any] = {}
    for key, value in values.items():
        node = nested
        *above, last = key.split(".")
        for part in above:
            node = node.setdefault(part, {})
        node[last] = value
    text = yaml.safe_dump(nested, sort_keys=False)
    lines = text.splitlines(keepends=True)
    place = int(draw.integers(len(lines)))
    how = int(draw.integers(6))
    if how == 0:
        text = text[: int(draw.integers(1, len(text)))] + ": ["
    elif how == 1:
        key, colon, rest = lines[place].partition(":")
        text = "".join([*lines[:place], key + "_x" + colon + rest, *lines[place + 1 :]])
    elif how == 2:
        text = "".join([*lines[:place], "      " + lines[place], *lines[place + 1 :]]) + "  x: 1\n"
    elif how == 3:
        text = text.replace("kind: ", "kind: x", 1)
    elif how == 4:
        raw = bytearray(text.encode())
        raw[int(draw.integers(len(raw)))] = 0x07
        (home / "whole").mkdir()
        (home / "whole" / "config.yaml").write_bytes(bytes(raw))
        return ("--config-path", str(home / "whole"), "--config-name", "config"), None, None
    else:
        text = "".join(line if not line.startswith("model:") else "modell:\n" for line in lines)
    (home / "whole").mkdir()
    (home / "whole" / "config.yaml").write_text(text)
    return ("--config-path", str(home / "whole"), "--config-name", "config"), None, None
