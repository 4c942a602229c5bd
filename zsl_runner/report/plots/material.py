"""What the figures over runs are drawn from: blocks of comparable groups, and families of groups that were swept."""

from __future__ import annotations

import math
import re
import statistics
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zsl_runner.config.quantities import Quantity, title
from zsl_runner.config.quoting import written
from zsl_runner.report.comparable import objectives, shared_quantity
from zsl_runner.report.groups import BLOCK, Group
from zsl_runner.report.values import read

_LONGEST = 100
"""Letters of data set and setting in the names of files."""
Value = float | int | str


@dataclass(frozen=True)
class Material:
    """Groups whose metrics may be compared.

    Attributes:
        name: part of the file names; unique.
        groups: the groups.
        metrics: tags to draw; empty takes what the runs were selected by.
    """

    name: str
    groups: tuple[Group, ...]
    metrics: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """The data set and the setting."""
        traits = self.groups[0].traits
        return f"{traits['dataset']}, {traits['setting']}"

    @property
    def facts(self) -> str:
        """Features, side information and split."""
        traits = self.groups[0].traits
        said = [traits["features"], traits["semantics"], f"split {traits['split']}"]
        return "; ".join(text for text in said if text)

    def objective_of(self, groups: Sequence[Group]) -> str:
        """Return the first metric that was asked for, or else the first that selected some of the groups."""
        return next(iter([*self.metrics, *objectives(groups)]), groups[0].objective)

    def quantity(self, tag: str) -> Quantity:
        """Return what a metric is.

        Raises:
            RunError: the groups disagree on its unit or its better direction.
        """
        measured = [group for group in self.groups if group.values(tag)]
        return shared_quantity(measured, tag) if measured else self.groups[0].quantity(tag)

    def axis(self, tag: str) -> str:
        """Return a metric's axis label with its unit."""
        return f"{title(tag)}, {self.quantity(tag).unit}"

    def best(self, count: int) -> tuple[list[Group], str]:
        """Return at most so many groups, the best ones on the objective, in their old order; and what was left out.

        Groups that lack it come last, and those that were selected by different metrics are not ranked.
        """
        if len(self.groups) <= count:
            return list(self.groups), ""
        tags = list(self.metrics[:1]) or objectives(self.groups)
        ranked = [group for group in self.groups if len(tags) == 1 and group.values(tags[0])]
        unranked = [group for group in self.groups if len(tags) != 1 or not group.values(tags[0])]
        kept = [*sorted(ranked, key=lambda group: -group.merit(tags[0])), *unranked][:count]
        chosen = [group for group in self.groups if any(group is one for one in kept)]
        if len(ranked) < count:
            return chosen, f"{count} of {len(self.groups)} groups, which not all can be ranked by one metric"
        without = f", {len(unranked)} without it left out" if unranked else ""
        return chosen, f"the best {count} of {len(ranked)} groups by {title(tags[0])}{without}"

    def labels(self, groups: Sequence[Group]) -> list[str]:
        """Return short names: the model, the trainer if a model has several, the settings that differ."""
        trainers: dict[str, set[str]] = {}
        for group in self.groups:
            trainers.setdefault(group.traits["model"], set()).add(group.traits["trainer"])
        several = any(len(found) > 1 for found in trainers.values())
        names = [f"{g.traits['model']}/{g.traits['trainer']}" if several else g.traits["model"] for g in groups]
        return [f"{name}, {g.differs}" if g.differs else name for name, g in zip(names, groups, strict=True)]


def materials(groups: Sequence[Group], metrics: Sequence[str]) -> list[Material]:
    """Return the blocks of comparable groups, each under a name of its own."""
    blocks: dict[tuple[str, ...], list[Group]] = {}
    for group in groups:
        blocks.setdefault(group.block, []).append(group)
    made: list[Material] = []
    taken: dict[str, int] = {}
    for key in sorted(blocks):
        traits = dict(zip(BLOCK, key, strict=True))
        stem = re.sub(r"[^A-Za-z0-9_]+", "-", f"{traits['dataset']}-{traits['setting']}")[:_LONGEST]
        taken[stem] = taken.get(stem, 0) + 1
        name = stem if taken[stem] == 1 else f"{stem}-{taken[stem]}"
        made.append(Material(name, tuple(blocks[key]), tuple(metrics)))
    return made


@dataclass(frozen=True)
class Family:
    """Groups of one model and trainer that differ in swept keys.

    Attributes:
        name: model, or model and trainer, and the study if there are other families of theirs.
        groups: the groups.
        keys: the swept keys.
        study: the study of the search that tried them; empty if none did, None if their records do not tell and their
            values are like those of a search.
    """

    name: str
    groups: tuple[Group, ...]
    keys: tuple[str, ...]
    study: str | None = ""

    def values(self, key: str) -> list[Value]:
        """Return the values of a key that occur, numbers by size."""
        return _values(key, self.groups)

    @property
    def is_search(self) -> bool:
        """Whether a search tried the settings."""
        return self.study != ""

    @property
    def is_crowded(self) -> bool:
        """Whether too many lines would share each figure along a key."""
        return min(len(self.lines(key)) for key in self.keys) > MOST_LINES

    def lines(self, key: str) -> dict[str, list[Group]]:
        """Return the groups by the values of all other keys, each line in the order of ``key``."""
        found: dict[str, list[Group]] = {}
        for group in self.groups:
            others = {name: value for name, value in group.varied.items() if name != key}
            label = ", ".join(f"{short(name, self.keys)}={plain(value)}" for name, value in others.items())
            found.setdefault(label, []).append(group)
        order = {value: place for place, value in enumerate(self.values(key))}
        return {
            label: sorted(groups, key=lambda group: order[plain(group.varied[key])]) for label, groups in found.items()
        }


MOST_LINES = 8


def families(material: Material) -> list[Family]:
    """Return the models and trainers of which several settings were run; those that a search tried are apart."""
    alike: dict[tuple[str, str], list[Group]] = {}
    for group in material.groups:
        if group.configurations == 1:
            alike.setdefault((group.traits["model"], group.traits["trainer"]), []).append(group)
    found: dict[tuple[str, str, str | None], list[Group]] = {}
    for method, settings in alike.items():
        unknown = None if _are_like_a_search([group for group in settings if group.study is None]) else ""
        for group in settings:
            found.setdefault((*method, unknown if group.study is None else group.study), []).append(group)
    methods = [(model, trainer) for model, trainer, _ in found]
    trainers = [model for model, _ in set(methods)]
    made = []
    for (model, trainer, study), groups in found.items():
        keys = _swept(groups)
        if len(groups) > 1 and keys:
            name = model if trainers.count(model) == 1 else f"{model}/{trainer}"
            if study and methods.count((model, trainer)) > 1:
                name = f"{name}, {study}"
            made.append(Family(name, tuple(groups), keys, study))
    return made


def _are_like_a_search(groups: Sequence[Group]) -> bool:
    """Tell of settings whose records name no study, nor say that there was none, whether a search tried them.

    One did if the values fill no grid, as those a search draws, or too many lines would share a figure. Options that
    some settings lack came with a later version, and nobody tried values of them.
    """
    keys = [key for key in _swept(groups) if all(key in group.config for group in groups)]
    if len(keys) < 2:
        return False
    points = math.prod(len(_values(key, groups)) for key in keys)
    fewest_lines = min(points // len(_values(key, groups)) for key in keys)
    return points > 2 * len(groups) or fewest_lines > MOST_LINES


def _swept(groups: Sequence[Group]) -> tuple[str, ...]:
    return tuple(key for key in groups[0].varied if _is_swept(key, groups)) if groups else ()


def _values(key: str, groups: Sequence[Group]) -> list[Value]:
    return ordered({plain(group.varied[key]) for group in groups})


def _is_swept(key: str, groups: Sequence[Group]) -> bool:
    """Tell whether all groups are told apart from their neighbours by a key, in which these ones differ, too.

    An option that earlier runs lack is no value of theirs.
    """
    varied = all(key in group.varied and key in group.runs[0].config for group in groups)
    return varied and len({plain(group.varied[key]) for group in groups}) > 1


Line = tuple[str, list[Group]]


def lines_of(families: Sequence[Family], key: str) -> list[Line]:
    """Return label and groups of every line of several families along a key."""
    found = []
    for family in families:
        for label, groups in family.lines(key).items():
            found.append((f"{family.name}, {label}" if label else family.name, groups))
    return found


def plain(value: Any) -> Value:
    """Return a configuration value as a number or a word.

    >>> plain(3), plain(True), plain([500, 500]), plain(None), plain("1e-5")
    (3, 'true', '[500, 500]', 'null', 1e-05)
    """
    value = read(value) if isinstance(value, str) else value
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number else written(value)


def ordered(values: set[Value]) -> list[Value]:
    """Return numbers by size, then words."""
    numbers = sorted(value for value in values if not isinstance(value, str))
    return [*numbers, *sorted(value for value in values if isinstance(value, str))]


def is_numeric(values: Sequence[Value]) -> bool:
    """Tell whether all values are numbers."""
    return not any(isinstance(value, str) for value in values)


def is_logarithmic(values: Sequence[Value]) -> bool:
    """Tell whether numbers are better shown on a logarithmic axis.

    They are if all are positive and span a factor of 500; or a factor of eight, if their median is nearer to the middle
    of that axis than to the middle of a linear one, both measured as factors.

    >>> is_logarithmic([1e-4, 1e-3, 1e-2]), is_logarithmic([8, 16, 32, 64]), is_logarithmic([0, 1, 100])
    (True, True, False)
    >>> is_logarithmic([0.04, 0.25, 0.5, 0.75, 1.0])
    False
    """
    numbers = [value for value in values if not isinstance(value, str)]
    if not numbers or min(numbers) <= 0 or max(numbers) < 8 * min(numbers):
        return False
    if max(numbers) >= 500 * min(numbers):
        return True
    low, high, median = math.log(min(numbers)), math.log(max(numbers)), math.log(statistics.median(numbers))
    linear = math.log((min(numbers) + max(numbers)) / 2)
    return abs(median - (low + high) / 2) < abs(median - linear)


def short(key: str, keys: Sequence[str]) -> str:
    """Return the last part of a key, or the whole where two keys end alike.

    >>> short("model.margin.weight", ["model.margin.weight", "trainer.lr"])
    'weight'
    """
    end = key.rpartition(".")[2]
    return end if sum(other.rpartition(".")[2] == end for other in keys) == 1 else key


def wrapped(text: str, inches: float) -> str:
    """Return a text broken into lines that fit a width in inches at the size of notes."""
    return textwrap.fill(text, max(20, int(inches * 15)))
