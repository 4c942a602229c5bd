"""What the preflight check reports: a key, where its value came from, what is wrong and what would be right."""

from __future__ import annotations

import difflib
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from zsl_runner.config.paths import shown

REFUSED: Final = {
    ("evaluator.select", "best_test"): "; no length is chosen on test rows: evaluator.oracle=true reports the best of "
    "them beside, as oracle/best_*",
}
"""Values that are refused on purpose, by key, and what to do instead."""
_WIDTH = 110
_INDENT = " " * 6


@dataclass(frozen=True)
class Origin:
    """Where a value was given.

    Attributes:
        override: the command-line argument, if it was one.
        file: the YAML file, if it was one.
        inside: the part of the whole configuration that the file describes, e.g. ``model``; empty for all of it.
    """

    override: str | None = None
    file: Path | None = None
    inside: str = ""

    def describe(self, key: str = "") -> str:
        """Return the origin of ``key`` in words, with the line if it is a file."""
        if self.override is not None:
            return f"command line: {self.override}"
        if self.file is None:
            return "the built-in defaults"
        line = _line_of(self.file, key.removeprefix(self.inside).removeprefix(".")) if key else None
        return shown(self.file) if line is None else f"{shown(self.file)}, line {line}"

    def text_of(self, key: str) -> str | None:
        """Return what was written behind ``key=`` on the command line; None if the value of ``key`` was not."""
        name, _, text = (self.override or "").lstrip("+").partition("=")
        return text.strip() if name == key else None


@dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes:
        key: the full configuration key, or another name of what is wrong; of what a schema reports in ``problems()``
            and ``fits()`` the path below it, e.g. ``prior.layers``.
        message: what was found, what was expected, the remedy.
        origin: where it was given, in words; empty if nowhere.
    """

    key: str
    message: str
    origin: str = ""


@dataclass(frozen=True)
class Idle:
    """An option, or a block of them, that has no effect because of what others are.

    No problem, for its default has to be something: it is told, and only where the command line gives it.

    Attributes:
        key: the full configuration key; of what a schema reports the path below it.
        why: what it has no effect with, e.g. ``algorithm=sgd``.
        origin: where it was given, in words.
        part: group of the option, where that is another one than of the schema that reports it.
    """

    key: str
    why: str
    origin: str = ""
    part: str = ""


def idle(why: str, *keys: str, part: str = "") -> Iterable[Idle]:
    """Yield that options have no effect.

    Args:
        why: what they have no effect with, e.g. ``algorithm=sgd``.
        keys: paths below the schema that reports them.
        part: their group, where it is another one.
    """
    return (Idle(key, why, part=part) for key in keys)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return ``; did you mean X?`` for the closest choice, or an empty string.

    >>> did_you_mean("betta", ["alpha", "beta"])
    '; did you mean beta?'
    """
    close = closest(word, choices)
    return f"; did you mean {close}?" if close else ""


def closest(word: str, choices: Iterable[str], alike: float = 0.6) -> str | None:
    """Return the choice most like ``word``, or None if none is alike; case and the kind of dash make no difference.

    An option in a folder may be meant without its folder, too, if no other has the same name. Words are alike if at
    least the share ``alike`` of their letters is common, in the same order; one wrong letter of four leaves 0.75.

    >>> closest("CUB", ["cub", "CUBE"]), closest("f-clswgan", ["f_clswgan", "f_vaegan"])
    ('cub', 'f_clswgan')
    >>> closest("sgal_cub", ["sgal/cub", "vzsl/cub"]), closest("awa1", ["sgal/cub", "sgal/awa1"])
    ('sgal/cub', 'sgal/awa1')
    >>> closest("cub", ["sgal/cub", "vzsl/cub"])
    """
    table: dict[str, str] = {}
    inside: dict[str, list[str]] = {}
    for choice in choices:
        table.setdefault(folded(choice), choice)
        if "/" in choice:
            inside.setdefault(folded(choice.rpartition("/")[2]), []).append(choice)
    if folded(word) not in table and len(inside.get(folded(word), ())) > 1:
        return None
    table = {name: found[0] for name, found in inside.items() if len(found) == 1} | table
    matches = difflib.get_close_matches(folded(word), list(table), n=1, cutoff=alike)
    return table[matches[0]] if matches else None


def folded(word: str) -> str:
    """Return a word in the form in which words are compared for hints."""
    return word.strip().casefold().replace("-", "_").replace("/", "_")


def listed(options: Iterable[str]) -> list[str]:
    """Return options in lines: first those of the group itself, then of each folder.

    >>> listed(["digits", "own", "sgal/awa1", "sgal/cub"])
    ['digits, own', 'sgal: awa1, cub']
    """
    folders: dict[str, list[str]] = {}
    for option in options:
        folder, _, name = option.rpartition("/")
        folders.setdefault(folder, []).append(name)
    lines = [", ".join(folders.pop("", []))]
    lines += [f"{folder}: {', '.join(names)}" for folder, names in folders.items()]
    return [line for line in lines if line]


def without_effect(idle: Iterable[Sequence[Idle]]) -> list[str]:
    """Return a line for each option that does nothing, with the runs in which it does not if it does in others.

    Args:
        idle: what was found of each run that was asked for.

    >>> rate = Idle("trainer.lr", "trainer.steps=0", "command line: trainer.lr=1")
    >>> without_effect([[rate], []])
    ['trainer.lr has no effect with trainer.steps=0, in 1 of 2 runs  (command line: trainer.lr=1)']
    """
    runs = list(idle)
    counts = Counter((found.key, found.why) for run in runs for found in run)
    origins = {(found.key, found.why): found.origin for run in reversed(runs) for found in run}
    lines = []
    for (key, why), count in counts.items():
        where = "" if count == len(runs) else f", in {count} of {len(runs)} runs"
        lines.append(f"{key} has no effect with {why}{where}  ({origins[key, why]})")
    return lines


def report(problems: Sequence[Problem]) -> str:
    """Return the numbered list that is printed when a configuration is refused."""
    return f"zsl-run: {numbered(problems, 'nothing was run and nothing was written.')}"


def numbered(problems: Sequence[Problem], consequence: str) -> str:
    """Return how many problems there are, what follows from them, and each with its number, over several lines."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = [f"{count} found; {consequence}"]
    for number, problem in enumerate(problems, start=1):
        where = f"  ({problem.origin})" if problem.origin else ""
        lines += ["", f"  {number}. {problem.key}{where}"]
        for part in problem.message.strip().splitlines():
            if part.startswith(" "):  # a command to copy, which must stay whole
                lines.append(_INDENT + part)
                continue
            lines += textwrap.wrap(
                part,
                _WIDTH,
                initial_indent=_INDENT,
                subsequent_indent=_INDENT,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def _line_of(file: Path, key: str) -> int | None:
    """Return the line on which a dotted key stands in a YAML file; None if it cannot be told."""
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError):
        return None
    line, rest = None, key
    while rest and isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if rest == name.value or rest.startswith(f"{name.value}."):
                line, node, rest = name.start_mark.line + 1, value, rest[len(name.value) + 1 :]
                break
        else:
            break
    return line
