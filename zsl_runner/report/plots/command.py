"""``zsl-report --plot DIR``: draws what the runs allow, one PNG for each figure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from matplotlib.figure import Figure

from zsl_runner.config.places import require_folder
from zsl_runner.errors import ConfigError, RunError
from zsl_runner.files.writing import write_bytes
from zsl_runner.report.collect import Findings
from zsl_runner.report.groups import Group, groups_of, metric_of, tag_of
from zsl_runner.report.plots import curves, few_shot, parameter, search, tables, trade_off
from zsl_runner.report.plots.material import Family, Material, families, materials
from zsl_runner.report.text import one_line
from zsl_runner.tracking.pictures import png

DPI = 130
LONGEST = 100
"""Letters of what a figure shows in the name of its file."""
Drawn = tuple[str, Figure]


@dataclass(frozen=True)
class Picture:
    """A figure over runs.

    Attributes:
        material: what it is drawn from.
        name: what it shows, in short.
        png: its file.
    """

    material: Material
    name: str
    png: bytes


def plot(
    findings: Findings,
    folder: Path,
    by: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    say: Callable[[str], object] = print,
) -> list[Path]:
    """Draw the figures and return their files; files of the same names are replaced.

    Args:
        findings: the runs; those that are not complete, and those made for debugging, are left out.
        folder: where to write; made if it is not there.
        by: see `zsl_runner.report.groups.groups_of`.
        metrics: names or tags to draw; by default what the runs were selected by, on validation and test rows.
        say: told of what could not be read and is left out, each once.

    Raises:
        ConfigError: there is no complete run, or none has a metric; or the folder cannot be.
        RunError: the folder cannot be written.
    """
    require_folder(folder, "--plot")
    try:
        drawn = pictures(findings, by, metrics, say)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be created: {error.strerror or error}") from error
    written: dict[str, Path] = {}  # by the name as file systems that ignore case know it
    for picture in drawn:
        stem = f"{picture.material.name}-{_safe(picture.name)}"
        alike = [stem, f"{stem}-{_hash(picture.name)}", *(f"{stem}-{number}" for number in range(2, len(written) + 2))]
        free = next(name for name in alike if name.lower() not in written)
        written[free.lower()] = folder / f"{free}.png"
        write_bytes(written[free.lower()], picture.png)
    return list(written.values())


def pictures(
    findings: Findings,
    by: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    say: Callable[[str], object] = print,
) -> Iterator[Picture]:
    """Return every figure over the runs, drawn one at a time; see `plot`."""
    runs = [run for run in findings.runs if run.result.status == "complete" and not run.result.debug]
    if not runs:
        raise ConfigError("--plot: there is no complete run to draw")
    tags = [tag_of(name) for name in metrics or ()]
    for tag in tags:
        if all(metric_of(run, tag) is None for run in runs):
            raise ConfigError(f"--plot: no complete run has {tag}")
    return _pictures(findings, groups_of(runs, by), tags, say)


def _pictures(
    findings: Findings, groups: list[Group], tags: Sequence[str], say: Callable[[str], object]
) -> Iterator[Picture]:
    notes = dict.fromkeys(f"left out: {message}" for message in findings.unreadable)
    for material in materials(groups, tags):
        for name, figure in figures(material, notes.setdefault):
            yield Picture(material, name, png(figure, DPI))
    for material in few_shot.materials_along(groups, tags):
        for name, figure in _swept(material, few_shot.KEY):
            yield Picture(material, name, png(figure, DPI))
    for note in notes:
        say(one_line(note))


def figures(material: Material, say: Callable[[str], object] = print) -> Iterator[Drawn]:
    """Yield (name, figure) of everything a block of groups allows; ``say`` is told of runs that are left out."""
    yield from _swept(material)
    if any(trade_off.has_accuracies(group) for group in material.best(trade_off.MOST_GROUPS)[0]):
        yield "seen-unseen", trade_off.seen_unseen(material)
    yield from tables.tables(material)
    yield from _curves(material, say)


def _swept(material: Material, only: str | None = None) -> Iterator[Drawn]:
    """Yield figures over the settings of a method, along each swept key or only along one."""
    grids: dict[str, list[Family]] = {}
    for family in families(material):
        if (family.is_search or family.is_crowded) and only is None:
            if search.measured(material, family):
                yield f"parallel-{family.name}", search.parallel(material, family)
                yield f"scatter-{family.name}", search.scatter(material, family)
            continue
        for key in family.keys if only is None else {only}.intersection(family.keys):
            if any(len(line) > 1 for line in family.lines(key).values()):  # else settings differ in more than the key
                grids.setdefault(key, []).append(family)
    for key, found in grids.items():
        if sum(len(family.lines(key)) for family in found) <= parameter.MOST_LINES:
            yield from _along(material, found, key, "")
            continue
        for family in found:
            yield from _along(material, [family], key, f"-{family.name}")


def _along(material: Material, families: Sequence[Family], key: str, end: str) -> Iterator[Drawn]:
    yield f"against-{key}{end}", parameter.parameter(material, families, key)
    for pair in trade_off.pairs(material):
        yield f"{trade_off.name_of(pair)}-along-{key}{end}", trade_off.trade_off(material, families, key, pair)


def _curves(material: Material, say: Callable[[str], object]) -> Iterator[Drawn]:
    groups, left_out = material.best(curves.MOST)
    read = [(group, curves.curves_of(group, say)) for group in groups]
    read = [(group, found) for group, found in read if found]
    if any(curves.is_drawable(found) and any(tag.startswith("val/") for tag in found) for _, found in read):
        shown, drawn = zip(*read, strict=True)
        yield "validation", curves.validation_curves(material, shown, drawn, left_out)
    alone = material.best(curves.MOST_ALONE)[0]
    read = [(group, found) for group, found in read if group in alone and curves.is_drawable(found)]
    for (group, found), label in zip(read, material.labels([group for group, _ in read]), strict=True):
        yield f"curves-{label}", curves.group_curves(material, group, found)


def _safe(name: str) -> str:
    """Return a name for a file; a long one is cut, and its hash tells it from others that begin alike."""
    safe = re.sub(r"[^A-Za-z0-9._+-]+", "-", name.replace("=", "-")).strip("-")
    return safe if len(safe) <= LONGEST else f"{safe[: LONGEST - 9]}-{_hash(name)}"


def _hash(name: str) -> str:
    return sha256(name.encode(errors="surrogateescape")).hexdigest()[:8]
