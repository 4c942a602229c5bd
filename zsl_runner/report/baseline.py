"""Compares the rows of a table with a chosen one, seed by seed, and tells whether a difference could be chance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

from zsl_runner.errors import ConfigError
from zsl_runner.report.groups import Group, average
from zsl_runner.report.rows import Block, Difference, Row
from zsl_runner.report.values import meaning, parted

FEWEST_PAIRS = 5
"""Below, three or four differences say next to nothing about their spread, and no p value is given."""
LISTED = 20


def two_sided_tail(t: float, freedom: int) -> float:
    r"""Return $P(|T| \ge |t|)$ for Student's t with a whole number of degrees of freedom.

    Args:
        t: the statistic.
        freedom: degrees of freedom, at least 1.

    Raises:
        ValueError: ``freedom`` is below 1.

    >>> round(two_sided_tail(2.7764, 4), 4), round(two_sided_tail(1.0, 1), 4)
    (0.05, 0.5)
    """
    if freedom < 1:
        raise ValueError(f"Student's t needs a degree of freedom, found {freedom}")
    from scipy.special import stdtr  # only tables with a baseline need it

    return float(2 * stdtr(freedom, -abs(t)))


def paired_p(differences: Sequence[float]) -> float | None:
    r"""Return the p value of the two-sided paired t test, $t = \bar d \sqrt n / s_d$ with $n - 1$ degrees of freedom.

    Args:
        differences: one for each seed both rows have.

    Returns:
        None where the test says nothing: fewer than `FEWEST_PAIRS` differences, or all of them equal.
    """
    n = len(differences)
    if n < FEWEST_PAIRS:
        return None
    mean = math.fsum(differences) / n
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in differences) / (n - 1))
    if spread <= 1e-12 * max(abs(value) for value in differences):
        return None
    return two_sided_tail(mean * math.sqrt(n) / spread, n - 1)


def holm(values: Sequence[float]) -> list[float]:
    """Adjust p values of one family of comparisons after Holm (1979), in their order.

    The k-th smallest of m is multiplied by m - k + 1, and none is smaller than the one before. Rejecting where the
    adjusted value is at most 0.05 keeps the chance of any wrong rejection in the family at 0.05.

    >>> holm([0.04, 0.01, 0.03])
    [0.06, 0.03, 0.06]
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted, highest = [0.0] * len(values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - place) * values[index]))
        adjusted[index] = highest
    return adjusted


def compare(blocks: Sequence[Block], baseline: str) -> None:
    """Fill in the differences to the baseline; blocks without such a row stay as they are.

    Args:
        blocks: tables.
        baseline: ``model`` or ``model/trainer``, perhaps followed by settings that tell rows of this name apart:
            ``sgal/em,latent_dim=32``.

    Raises:
        ConfigError: no row, or more than one row of a table, answers to it.
    """
    found = False
    for block in blocks:
        named = [row for row in block.rows if _answers(row.group, baseline)]
        if len(named) > 1:
            settings = sorted({f"{key}={value}" for row in named for key, value in row.group.words.items()})
            remedy = f"add one of {', '.join(settings)} after a comma" if settings else "say model/trainer"
            raise ConfigError(
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
        raise ConfigError(
            f"--baseline {baseline}: no row has this name; there are {', '.join(names) or 'no rows'}{there}"
        )


def unpaired(blocks: Sequence[Block]) -> list[str]:
    """Return a note on each row that has a metric of the baseline and no difference to it."""
    notes = []
    for block in blocks:
        references = [row.group for row in block.rows if row.is_baseline]
        for row, reference in itertools.product(block.rows, references):
            pairs = [
                (row.group.values(tag), reference.values(tag)) for tag, found in row.differences.items() if not found
            ]
            both = [values for pair in pairs if all(pair) for values in pair]
            if both:
                why = "several runs have one seed" if any(map(_repeats, both)) else "they have no seed in common"
                name = f"{_with_settings(row.group)} on {block.traits['dataset']}"
                notes.append(f"{name}: no difference to the baseline: {why}")
    return notes


def _repeats(values: Sequence[tuple[int, float]]) -> bool:
    return len(dict(values)) < len(values)


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
    named.is_baseline = True
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
    """Average the differences over common seeds; where rows pool several runs of a seed there are no pairs."""
    found = group.values(tag), reference.values(tag)
    values, against = map(dict, found)
    if any(map(_repeats, found)):
        return None
    differences = [values[seed] - against[seed] for seed in sorted(values.keys() & against.keys())]
    if not differences:
        return None
    shown, p = average(differences), paired_p(differences)
    why = "" if p is not None else f"n < {FEWEST_PAIRS}" if shown.n < FEWEST_PAIRS else "no spread"
    return Difference(shown.mean, shown.std, shown.n, p, why)
