"""Mutates configurations: each is refused before anything is written, or means exactly what it says."""

from __future__ import annotations

import fcntl
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from scripts.torture import yaml_files
from scripts.torture.children import Done, Place
from scripts.torture.comparing import fingerprint
from scripts.torture.values import ODD, some_key, typo
from scripts.torture.verdict import Topic, require

BASES = (
    ("model=sgal", "dataset=toy"),
    ("model=vzsl", "dataset=digits"),
    ("model=eszsl", "dataset=toy"),
    ("model=ridge_prototype", "dataset=digits"),
    ("model=bi_vaegan", "dataset=toy"),
    ("model=tf_vaegan", "dataset=digits"),
    ("model=cada_vae", "dataset=toy"),
    ("model=cvae_pairs", "dataset=digits_quadrant"),
    ("model=aae/semi_supervised", "dataset=digits_images", "dataset.labelled=100"),
    ("model=joint_vae", "dataset=digits_images", "dataset.side=32"),
    ("model=cvae_segmentation_small", "dataset=digit_canvas_embedded"),
    ("model=task_heads", "dataset=split_digits", "trainer=a_ewc"),
    ("model=cosine_heads", "dataset=toy_tasks", "trainer=a_lwf"),
    ("model=class_maps", "dataset=tagged_canvas_embedded"),
    ("model=class_maps", "dataset=tagged_canvas_embedded", "trainer=mask_supervision"),
)
GROUPS = ("model", "dataset", "trainer", "evaluator", "runtime", "tracker", "experiment", "debug", "sweep")
Mutation = tuple[tuple[str, ...], str | None, str | None]
"""Further arguments, the key they give a value (None where no value is expected to arrive), and the value's text."""


def typed_configuration(arguments: tuple[str, ...], file: Path) -> None:
    """Write the typed configuration that a command line leads to; called in a child."""
    from zsl_runner.config.check import check
    from zsl_runner.config.command import read
    from zsl_runner.config.loader import Loader
    from zsl_runner.config.store import register

    register()
    command = read(list(arguments))
    config = check(Loader(command.source), command.overrides).accepted()
    file.write_text(json.dumps(asdict(config), default=str))


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping as dotted keys."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def base_values(shared: Path, base: tuple[str, ...]) -> dict[str, Any]:
    """Return the typed configuration of a base, flat."""
    file = shared / f"{BASES.index(base)}.json"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            done = Place(shared / f"{BASES.index(base)}").call("values", lambda: typed_configuration(base, file))
            require(file.exists(), "other", f"{base} is refused: {done.text}")
    return flat(json.loads(file.read_text()))


def attempt(number: int, draw: np.random.Generator, folder: Path, shared: Path) -> tuple[str, str]:
    """Make one mutation and check it."""
    base = BASES[draw.integers(len(BASES))]
    values = base_values(shared, base)
    name, mutate = list(MUTATIONS.items())[number % len(MUTATIONS)]
    place = Place(folder)
    further, key, text = mutate(draw, values, place.home)
    before = fingerprint(place.home)
    arguments = (*base, *further)
    what = f"{name}: {' '.join(arguments):.200}"
    done = place.run("zsl-run", *arguments, "task=check")
    require(not done.broke, "traceback", f"{what}: {done.text[-300:]}")
    require(done.code in (0, 2), "other", f"{what}: exit {done.code}: {done.text[-300:]}")
    require(fingerprint(place.home) == before, "other", f"{what}: something was written below the working directory")
    if done.code == 2:
        require(
            _names(done, further, key), "other", f"{what}: the message names neither key nor file: {done.text[-300:]}"
        )
        return "refused", what
    file = folder / "typed.json"
    told = place.call("values", lambda: typed_configuration((*arguments, "task=check"), file))
    require(file.exists(), "other", f"{what}: accepted, but has no typed configuration: {told.text[-300:]}")
    _require_meaning(what, values, flat(json.loads(file.read_text())), key, text)
    return "equal", what


def _names(done: Done, further: tuple[str, ...], key: str | None) -> bool:
    """Tell whether a refusal names what was given: a key or a part of one, a file, or the value."""
    words = {
        word for text in (*further, key or "") for word in re.split(r"[\s=.+~/\\:'\",\[\]{}@]+", text) if len(word) > 1
    }
    return not words or any(word in done.text for word in words) or any(text in done.text for text in further if text)


def _require_meaning(
    what: str, before: Mapping[str, Any], after: Mapping[str, Any], key: str | None, text: str | None
) -> None:
    """Require that the value arrived as it was given, and that nothing else changed."""
    if key is None:
        require(text is not None, "silent", f"{what}: accepted, though it means nothing")
        return
    changed = {name for name in before.keys() | after.keys() if not _same(before.get(name, ...), after.get(name, ...))}
    others = {name for name in changed - {"task"} if name != key and not name.startswith(f"{key}.")}
    others -= {name for name in others if _follows(name, key, before, after)}
    require(not others, "silent", f"{what}: changed also {sorted(others)[:3]}")
    assert text is not None
    arrived = after.get(key, {name: value for name, value in after.items() if name.startswith(f"{key}.")})
    require(_means(text, arrived), "silent", f"{what}: {key} is {arrived!r:.100}")
    numbers = arrived if isinstance(arrived, list) else [arrived]
    for value in numbers:
        require(not isinstance(value, float) or math.isfinite(value), "silent", f"{what}: {key} is {value}")


def _follows(name: str, key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Tell whether an option takes its value from one of the same name, as an auxiliary optimiser's rate may."""
    alike = name.rpartition(".")[2] == key.rpartition(".")[2]
    return alike and all(_same(values.get(name, ...), values.get(key, ...)) for values in (before, after))


def _same(first: Any, second: Any) -> bool:
    return bool(first == second) or bool(first != first and second != second)


def _means(text: str, value: Any) -> bool:
    """Tell whether a text, as Hydra's grammar or YAML reads it, is the value."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    if value == text or (isinstance(value, str) and value.strip() == text.strip().strip("'\"")):
        return True
    try:
        parsed = OverridesParser.create().parse_override(f"key={text}").value()
    except Exception:
        parsed = text
    return _equal(_plain(parsed), value) or "${" in text or _equal(_in_yaml(text), value)


def _in_yaml(text: str) -> Any:
    """Return what a text means in a YAML file, where 0b1 and 010 are numbers."""
    from omegaconf import OmegaConf

    try:
        return OmegaConf.to_container(OmegaConf.create(f"key: {text}"))["key"]  # type: ignore[index,call-overload]
    except Exception:
        return text


def _plain(parsed: Any) -> Any:
    if isinstance(parsed, list):
        return [_plain(entry) for entry in parsed]
    if isinstance(parsed, dict):
        return {str(key): _plain(entry) for key, entry in parsed.items()}
    return getattr(parsed, "text", parsed)


def _equal(parsed: Any, value: Any) -> bool:
    if isinstance(parsed, list) and isinstance(value, list):
        return len(parsed) == len(value) and all(map(_equal, parsed, value))
    if isinstance(parsed, dict) and isinstance(value, dict):
        return len(parsed) == len(value)
    if isinstance(value, bool) or isinstance(parsed, bool):
        words = {True: ("true", "yes", "on", "1"), False: ("false", "no", "off", "0")}
        return (isinstance(value, bool) and str(parsed).lower() in words[value]) or str(parsed).lower() == value
    if isinstance(value, (int, float)) and not isinstance(parsed, (list, dict)):
        try:
            return float(parsed) == float(value) or float(value) != float(value)
        except (TypeError, ValueError):
            return False
    return bool(parsed == value) or str(parsed) == value


def odd_value(draw: np.random.Generator, values: Mapping[str, Any], home: Path) -> Mutation:
    """Give a key a value from the list of odd ones."""
    key, text = some_key(draw, values), str(ODD[draw.integers(len(ODD))])
    return (f"{key}={text}",), key, text


def near_value(draw: np.random.Generator, values: Mapping[str, Any], home: Path) -> Mutation:
    """Give a number another sign, size or type, a text a typo."""
    numbers = [key for key, value in values.items() if isinstance(value, (int, float)) and not isinstance(value, bool)]
    key = str(numbers[draw.integers(len(numbers))])
    value = values[key]
    choices = (
        -value,
        value + 1,
        value * 2,
        value / 3,
        value * 1e6,
        f"{value}x",
        f"'{value}'",
        f"[{value}]",
        value + 0.5,
    )
    text = str(choices[draw.integers(len(choices))])
    return (f"{key}={text}",), key, text


def wrong_key(draw: np.random.Generator, values: Mapping[str, Any], home: Path) -> Mutation:
    """Misspell a key, or put it a level too high, too low or beside its place."""
    key = some_key(draw, values)
    parts = key.split(".")
    choices = [
        ".".join([*parts[:-1], typo(draw, parts[-1])]),
        ".".join([typo(draw, parts[0]), *parts[1:]]),
        ".".join(parts[1:] or ["x"]),
        f"{key}.{parts[-1]}",
        f"x.{key}",
        key.replace(".", ".model.", 1) if "." in key else f"model.{key}",
        f"{key}.",
        f".{key}",
        key.replace(".", ".."),
        key.replace("_", "-"),
        key.replace(".", "/"),
    ]
    mutated, text = choices[draw.integers(len(choices))], str(values[key]).replace("None", "null")
    sign = ("", "", "+", "++")[draw.integers(4)]
    known = mutated if mutated in values else None
    return (f"{sign}{mutated}={text}",), known, text if known else None


def removed_key(draw: np.random.Generator, values: Mapping[str, Any], home: Path) -> Mutation:
    """Delete a misspelt key, or one with a wrong value."""
    key = some_key(draw, values)
    choices = (f"~{typo(draw, key)}", f"~{key}=surely_not_this", f"~{key}.x")
    return (str(choices[draw.integers(len(choices))]),), None, None


def wrong_group(draw: np.random.Generator, values: Mapping[str, Any], home: Path) -> Mutation:
    """Choose a file that is not there."""
    group = GROUPS[draw.integers(len(GROUPS))]
    choices = (
        "nothing",
        "sgall",
        "Sgal",
        "SGAL",
        "../model/sgal",
        "/model/sgal",
        "model/sgal",
        "sgal@x",
        "[sgal,vzsl]",
        "sgal/",
        "aae",
        "1",
        "é",
        "toy toy",
        "null.yaml",
        "{a:1}",
        "[]",
        "''x",
        "?",
        "*",
        "sg al",
    )
    choice = str(choices[draw.integers(len(choices))])
    name = group if draw.random() < 0.7 else typo(draw, group)
    return (f"{name}={choice}",), None, None


def hydras_own(draw: np.random.Generator, values: Mapping[str, Any], home: Path) -> Mutation:
    """Use Hydra's settings and flags wrongly."""
    choices = (
        ("hydra.run.dri=x",),
        ("hydra/launcher=nothing",),
        ("hydra.job.chdir=maybe",),
        ("hydra=1",),
        ("--config-name", "nothing"),
        ("--config-path", "relative"),
        ("--config-dir", "nothing"),
        ("hydra.searchpath=1",),
        ("hydra.searchpath=[file:///nothing/here]", "model=not_there"),
        ("hydra/sweeper=nothing",),
        ("hydra.mode=SOMETIMES",),
        ("hydra/job_logging=nothing",),
        ("model=sgal,vzsl",),
        ("seed=range(0,3)",),
        ("seed=choice(1,2)",),
        ("-m", "seed=0,x"),
        ("-m", "seed=0,-1"),
        ("-m", "trainer.nothing=1,2"),
        ("-m", "model=sgal,nothing"),
        ("sweep=nothing",),
        ("resume=nothing/here",),
        ("resume=.",),
        ("resume=''",),
        ("resume=[a]",),
        ("outputs=[a]",),
        ("outputs={a:1}",),
        ("name='a/b'", "seed=x"),
        ("existing=perhaps",),
        ("hydra.run.dir=${nothing}",),
        ("hydra.sweep.dir=${nothing}", "-m", "seed=0,1"),
        ("=",),
        ("a",),
        ("a=",),
        ("=a",),
        ("model",),
    )
    return choices[draw.integers(len(choices))], None, None


MUTATIONS: Mapping[str, Callable[[np.random.Generator, Mapping[str, Any], Path], Mutation]] = {
    "an odd value": odd_value,
    "a value next to the right one": near_value,
    "a wrong key": wrong_key,
    "an odd value in a file": yaml_files.value_in_overlay,
    "a wrong key in a file": yaml_files.key_in_overlay,
    "a broken file": yaml_files.broken_overlay,
    "another odd value": odd_value,
    "a damaged whole configuration": yaml_files.damaged_configuration,
    "a removed key": removed_key,
    "a wrong group": wrong_group,
    "Hydra's own": hydras_own,
}
CONFIGURATIONS = Topic("mutated configurations", 1100, attempt, lambda n: list(MUTATIONS)[n % len(MUTATIONS)])
