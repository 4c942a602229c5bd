"""Compares the rows of a table with a chosen one, seed by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from zsl_runner.errors import RunError
from zsl_runner.report.groups import Group, average
from zsl_runner.report.rows import Block, Difference, Row
from zsl_runner.report.significance import FEWEST_PAIRS, holm, paired_p
from zsl_runner.report.values import meaning, parted

LISTED = 20


def compare(blocks: Sequence[Block], baseline: str) -> None:
    """Fill in the differences to the baseline; blocks without such a row stay as they are.

    Args:
        blocks: tables.
        baseline: ``model`` or ``model/trainer``, perhaps followed by settings that tell rows of this name apart:
            ``sgal/em,latent_dim=32``.

    Raises:
        RunError: no row, or more than one row of a table, answers to it.
    """
    found = False
    for block in blocks:
        named = [row for row in block.rows if _answers(row.group, baseline)]
        if len(named) > 1:
            settings = sorted({f"{key}={value}" for row in named for key, value in row.group.words.items()})
            remedy = f"add one of {', '.join(settings)} after a comma" if settings else "say model/trainer"
            raise RunError(
                f"--baseline {baseline}: {len(named)} rows of {block.traits['dataset']} have this name; "
                f"{remedy}, or narrow the folders"
            )
        if named:
            found = True
            _fill(block, named[0])
    if not found:
        groups = [row.group for block in blocks for row in block.rows]
        names = sorted({name for group in groups for name in _names(group)})
        settings = sorted({_with_settings(group) for group in groups if group.words})
        more = f" and {len(settings) - LISTED} more" if len(settings) > LISTED else ""
        there = f"; with settings {'; '.join(settings[:LISTED])}{more}" if settings else ""
        raise RunError(f"--baseline {baseline}: no row has this name; there are {', '.join(names) or 'no rows'}{there}")


def _names(group: Group) -> tuple[str, str]:
    return group.traits["model"], f"{group.traits['model']}/{group.traits['trainer']}"


def _with_settings(group: Group) -> str:
    return ",".join([_names(group)[1], *(f"{key}={value}" for key, value in group.words.items())])


def _answers(group: Group, baseline: str) -> bool:
    name, *settings = parted(baseline) or [""]
    return name in _names(group) and all(_has(group, *setting.partition("=")[::2]) for setting in settings)


def _has(group: Group, key: str, value: str) -> bool:
    return any(
        (own == key or own.endswith(f".{key}")) and meaning(value) in (meaning(found), meaning(group.words[own]))
        for own, found in group.varied.items()
    )


def _fill(block: Block, named: Row) -> None:
    others = [row for row in block.rows if row is not named]
    for tag in block.quantities:
        compared = {id(row): _difference(row.group, named.group, tag) for row in others}
        tested = [key for key, found in compared.items() if found is not None and found.p is not None]
        values = [found.p for key in tested if (found := compared[key]) is not None and found.p is not None]
        adjusted = dict(zip(tested, holm(values), strict=True))
        for row in others:
            found = compared[id(row)]
            row.differences[tag] = found if found is None else replace(found, p=adjusted.get(id(row)))


def _difference(group: Group, reference: Group, tag: str) -> Difference | None:
    """Average the differences over common seeds; pooled configurations have no pairs."""
    if group.configurations > 1 or reference.configurations > 1:
        return None
    values, against = dict(group.values(tag)), dict(reference.values(tag))
    differences = [values[seed] - against[seed] for seed in sorted(values.keys() & against.keys())]
    if not differences:
        return None
    shown, p = average(differences), paired_p(differences)
    why = "" if p is not None else f"n < {FEWEST_PAIRS}" if shown.n < FEWEST_PAIRS else "no spread"
    return Difference(shown.mean, shown.std, shown.n, p, why)
