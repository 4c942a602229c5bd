"""Metrics against the number of labelled rows of unseen classes: a table for each number, one figure for all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from zsl_runner.report.groups import Group, told_apart
from zsl_runner.report.plots.material import Material, materials

KEY = "dataset.shots"
NUMBER = re.compile(r"few-shot, \d+ labelled rows? of each unseen class")


def materials_along(groups: Sequence[Group], metrics: Sequence[str]) -> list[Material]:
    """Return what can be drawn along the number of labelled rows, where there are several; without any it is 0.

    Args:
        groups: groups of runs, whose settings name the number.
        metrics: tags to draw; empty takes what the runs were selected by.
    """
    named = [replace(group, traits=group.traits | {"setting": _name(group.traits["setting"])}) for group in groups]
    numbers: dict[tuple[str, ...], set[str]] = {}
    for group, found in zip(groups, named, strict=True):
        numbers.setdefault(found.block, set()).add(group.traits["setting"])
    return materials(told_apart([group for group in named if len(numbers[group.block]) > 1]), metrics)


def _name(setting: str) -> str:
    """Return the name of a setting without its number of labelled rows.

    >>> _name("few-shot, 5 labelled rows of each unseen class"), _name("inductive"), _name("supervised")
    ('few-shot', 'few-shot', 'supervised')
    >>> _name("transductive few-shot, 1 labelled row of each unseen class, known class prior")
    'transductive few-shot, known class prior'
    >>> _name("transductive, known class prior")
    'transductive few-shot, known class prior'
    """
    kind = NUMBER.sub("few-shot", setting)
    return re.sub(r"^inductive\b", "few-shot", re.sub(r"^transductive(?! few-shot)", "transductive few-shot", kind))
