"""What validation data choose among settings of one method: a search's row, and whose test values compete."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from zsl_runner.report.comparable import objectives, validated_alike
from zsl_runner.report.groups import Group
from zsl_runner.report.plots.material import families, materials


def chosen(groups: Sequence[Group]) -> Group | None:
    """Return the group that is best on the metric its runs were selected by.

    None if none has it, or if they were selected by different ones or on different rows, which rank no groups together.
    """
    tags = objectives(groups)
    ranked = len(tags) == 1 and validated_alike(groups)
    return max(groups, key=lambda group: group.merit(tags[0])) if ranked else None


def contenders(groups: Iterable[Group]) -> list[Group]:
    """Return the groups whose test values may be compared: of several settings of a method the one validation chose.

    The best test value among settings would be chosen on test rows. Where settings were not validated, none is there.
    Settings that were not tested, as those of a search, have nothing to compete with: they leave it to the others.
    """
    methods: defaultdict[tuple[str, str], list[Group]] = defaultdict(list)
    for group in groups:
        methods[(group.traits["model"], group.traits["trainer"])].append(group)
    tested = ([group for group in settings if _is_tested(group)] or settings for settings in methods.values())
    found = [settings[0] if len(settings) == 1 else chosen(settings) for settings in tested]
    return [group for group in found if group is not None]


def _is_tested(group: Group) -> bool:
    return any(run.result.metrics for run in group.runs)


def folded(groups: Sequence[Group]) -> dict[int, int]:
    """Return which groups stand for a search: by their identity (`id`), how many settings it tried.

    Of the settings that a search tried the one that validation chose stands for them all; see `Family.is_search`. A
    search that was not validated stays as it is. Groups that fold into another one have the number 0.
    """
    result: dict[int, int] = {}
    for material in materials(groups, ()):
        for family in families(material):
            best = chosen(family.groups) if family.is_search else None
            if best is not None:
                result |= {id(group): 0 for group in family.groups} | {id(best): len(family.groups)}
    return result
