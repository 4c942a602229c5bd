"""Groups runs that differ in nothing but their seed, and averages them."""

from __future__ import annotations

import math
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zsl_runner.config.identity import changes_results
from zsl_runner.config.quantities import Quantity, quantity_of
from zsl_runner.config.quoting import written
from zsl_runner.errors import ConfigError
from zsl_runner.report.collect import FoundRun
from zsl_runner.report.values import meaning
from zsl_runner.runs.result import checksums, is_number


@dataclass(frozen=True)
class Average:
    """Mean and spread over seeds.

    Attributes:
        mean: mean.
        std: standard deviation with denominator n - 1; None for n = 1.
        n: number of seeds.
    """

    mean: float
    std: float | None
    n: int


def average(values: Sequence[float]) -> Average:
    r"""Return mean $\\bar v$ and $\\sqrt{\\sum_i (v_i - \\bar v)^2 / (n - 1)}$ of at least one value.

    >>> average([1.0, 2.0, 3.0])
    Average(mean=2.0, std=1.0, n=3)
    >>> average([4.0])
    Average(mean=4.0, std=None, n=1)
    """
    n = len(values)
    mean = math.fsum(values) / n
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1)) if n > 1 else None
    return Average(mean, spread, n)


def _selection(run: FoundRun) -> str:
    offset = run.result.selection.get("calibration_offset")
    return f"{run.result.selection.get('mode', '')}{'' if offset is None else ', calibrated on val'}"


def _setting(run: FoundRun) -> str:
    """Name the setting; a known prior of the unseen classes, which leaks, is a setting of its own."""
    kind, prior = str(run.result.setting.get("kind", "unknown")), run.result.setting.get("class_prior")
    return f"{kind}, known class prior" if prior == "known" else kind


def _tells_no_prior(run: FoundRun) -> bool:
    """Tell whether a run is transductive and the name of its setting does not say where the class prior is from."""
    setting = run.result.setting
    return str(setting.get("kind")).startswith("transductive") and setting.get("class_prior") != "known"


def _features(run: FoundRun) -> str:
    """Name the features, and say so where nobody measured them."""
    kind, features = run.result.data.get("kind"), run.result.data.get("feature_kind", "unknown")
    return f"{features} [{str(kind).upper()}]" if kind in ("synthetic", "generated") else str(features)


def _semantics(run: FoundRun) -> str:
    """Name the class vectors; the norms that records tell of are those in the file, before any scaling."""
    semantics = str(run.result.data.get("semantics", "unknown"))
    return re.sub(r"(?<=-d, )(unit L2|L2 norms .*)$", r"\1 in the file", semantics)


def _data(run: FoundRun) -> str:
    """Name what the data are: the beginnings of the checksums of their files, if the run noted any.

    A list of validation classes is none of them: the test rows are the same whatever it names.
    """
    division = run.config.get("dataset.validation_file")
    files = checksums(run.result.data) or ()
    return "+".join(sorted(sha256[:12] for path, sha256 in files if division is None or not path.endswith(division)))


TRAITS: dict[str, Callable[[FoundRun], str]] = {
    "model": lambda run: run.result.model,
    "trainer": lambda run: run.result.trainer,
    "dataset": lambda run: run.result.dataset,
    "features": _features,
    "semantics": _semantics,
    "split": lambda run: str(run.result.data.get("split_version", "unknown")),
    "setting": _setting,
    "selection": _selection,
    "data": _data,
}
"""What a table says about a group, by column."""

BLOCK = ("dataset", "features", "semantics", "split", "setting", "data")
"""Groups that differ in one of these stand in different blocks: their metrics are not comparable."""


@dataclass(frozen=True)
class Group:
    """Complete runs that repeat each other with different seeds.

    Attributes:
        traits: what the runs share, by column.
        varied: configuration keys and values that tell it from its neighbours in the block.
        words: the same values as tables and figures show them, long numbers in no more digits than tell them apart.
        runs: one run per seed, by seed.
        duplicates: further runs of a seed that is in ``runs`` already.
        configurations: number of different configurations pooled; more than one only on request.
        with_seed: keys of further seeds, e.g. ``dataset.label_seed``, that have the run's seed as their value.
    """

    traits: dict[str, str]
    varied: dict[str, Any]
    words: dict[str, str]
    runs: tuple[FoundRun, ...]
    duplicates: tuple[FoundRun, ...]
    configurations: int
    with_seed: frozenset[str] = frozenset()

    @property
    def config(self) -> dict[str, Any]:
        """What its runs were configured with, by dotted keys; ``seed`` where it is as their seed is."""
        return self.runs[0].config | dict.fromkeys(self.with_seed, "seed")

    @property
    def block(self) -> tuple[str, ...]:
        """The comparable groups it belongs to; see `block_of`."""
        return tuple(self.traits[name] for name in BLOCK)

    def values(self, tag: str) -> list[tuple[int, float]]:
        """Return (seed, value) of every run with a finite value of a metric."""
        found = ((run.result.seed, metric_of(run, tag)) for run in self.runs)
        return [(seed, value) for seed, value in found if value is not None and math.isfinite(value)]

    def average(self, tag: str) -> Average | None:
        """Return mean and spread of a metric; None if no run has it."""
        values = [value for _, value in self.values(tag)]
        return average(values) if values else None

    @property
    def objective(self) -> str:
        """The metric its runs were selected by."""
        return selected_by(self.runs[0])

    @property
    def offset(self) -> Average | None:
        """Mean and spread of the calibration offset that its runs chose on validation rows; None if none chose one."""
        found = [run.result.selection.get("calibration_offset", math.nan) for run in self.runs]
        values = [float(value) for value in found if is_number(value) and math.isfinite(value)]
        return average(values) if values else None

    @property
    def study(self) -> str | None:
        """The study of the search that tried it; empty if none did, None if a record does not tell."""
        found = [run.result.study for run in self.runs]
        return next(filter(None, found), None if None in found else "")

    def merit(self, tag: str) -> float:
        """Return the mean of a metric with the sign that makes the larger one better; minus infinity if none has it."""
        found = self.average(tag)
        return -math.inf if found is None else self.quantity(tag).merit(found.mean)

    def quantity(self, tag: str) -> Quantity:
        """Return what a metric is, as the first run that has it recorded it."""
        measured = [run for run in self.runs if metric_of(run, tag) is not None]
        return quantity_of(tag, (measured or self.runs)[0].result.quantities)

    @property
    def differs(self) -> str:
        """What tells it from its neighbours in words, each key and number as short as it can be."""
        return _settings(self.words)

    @property
    def differs_exactly(self) -> str:
        """The same with every digit."""
        return _settings(self.varied)

    @property
    def class_prior(self) -> str:
        """Where transductive runs have the frequencies of the unseen classes from; empty if the setting tells."""
        priors = {run.result.setting.get("class_prior") for run in self.runs if _tells_no_prior(run)}
        return " | ".join(sorted(str(prior) for prior in priors if prior))

    def cost(self, name: str) -> float | None:
        """Return the mean of an entry of ``cost`` over the runs that recorded it, e.g. ``wall_seconds``.

        What was recorded for each stage counts as the sum over the stages; null was not measured.
        """
        totals = (_total(run.result.cost.get(name)) for run in self.runs)
        found = [total for total in totals if total is not None]
        return math.fsum(found) / len(found) if found else None


def selected_by(run: FoundRun) -> str:
    """Return the metric a run was selected by."""
    return str(run.result.selection.get("metric", "val/H"))


def block_of(run: FoundRun) -> tuple[str, ...]:
    """Return what runs with comparable metrics have in common: the values of the columns of `BLOCK`."""
    return tuple(TRAITS[name](run) for name in BLOCK)


def _total(recorded: float | dict[str, float | None] | None) -> float | None:
    """Return the sum over the stages; None if one of them was not measured, as of less than all it would be too low."""
    if not isinstance(recorded, dict):
        return recorded
    stages = [value for value in recorded.values() if value is not None]
    return math.fsum(stages) if len(stages) == len(recorded) else None


def tag_of(name: str) -> str:
    """Return the tag of a metric as users name it: ``H`` is ``test/H``."""
    return name if "/" in name else f"test/{name}"


def metric_of(run: FoundRun, tag: str) -> float | None:
    """Return ``test/...``, ``oracle/...`` or ``val/...`` of a run, None if it has no such value."""
    values = run.result.validation if tag.startswith("val/") else run.result.metrics
    return values.get(tag)


def groups_of(runs: Iterable[FoundRun], by: Sequence[str] | None = None) -> list[Group]:
    """Group complete runs.

    Runs belong together if their configurations are equal but for the seed, bookkeeping and what changes no number
    (`FoundRun.identity`), and so are model, trainer, data (with their checksums), and setting. A further seed that
    follows the run's, as in ``dataset.label_seed=${seed}``, is part of the seed. With ``by`` only the named columns or
    dotted configuration keys have to agree, and always what keeps blocks apart; the groups then say how many
    configurations they pool.

    Of several runs with one seed the one started first counts; the others are its duplicates.

    Args:
        runs: complete runs.
        by: columns of `TRAITS` or dotted configuration keys.

    Raises:
        ConfigError: ``by`` names what is neither a column nor a key of any configuration.
    """
    runs = list(runs)
    for name in by or ():
        if name not in TRAITS and not any(name in run.config for run in runs):
            raise ConfigError(
                f"--by {name}: expected one of {', '.join(TRAITS)}, or a configuration key such as model.kind"
            )
    members: defaultdict[tuple[Any, ...], list[FoundRun]] = defaultdict(list)
    for run in runs:
        members[_key(run, by)].append(run)
    bare = [_group(found, pooled=by is not None) for found in members.values()]
    return told_apart(_joined(bare) if by is None else bare)


def _key(run: FoundRun, by: Sequence[str] | None) -> tuple[Any, ...]:
    if by is None:
        return (run.identity, *_shared(run))
    chosen = [TRAITS[name](run) if name in TRAITS else meaning(run.config.get(name)) for name in by]
    return (*chosen, *block_of(run))


def _shared(run: FoundRun) -> tuple[Any, ...]:
    return tuple(trait(run) for trait in TRAITS.values())


def _joined(groups: list[Group]) -> list[Group]:
    """Join groups of one seed each that differ in nothing but further seeds, which equal theirs.

    Other seeds, which all of them have alike, equal that of one of the runs by chance.
    """
    following = {id(group): frozenset(_following(group)) for group in groups}
    left = {id(group): group for group in groups if following[id(group)]}
    alike: defaultdict[tuple[Any, ...], list[Group]] = defaultdict(list)
    for keys in sorted({following[number] for number in left}, key=sorted):
        for number, group in left.items():
            if keys <= following[number]:
                (run,) = group.runs
                rest = {(k, meaning(v)) for k, v in run.config.items() if changes_results(k) and k not in keys}
                alike[(keys, frozenset(rest), *_shared(run))].append(group)
    result = [group for group in groups if id(group) not in left]
    for (keys, *_), members in sorted(alike.items(), key=lambda entry: -len(entry[1])):
        found = [group for group in members if id(group) in left]
        if len(found) > 1:
            whole = _group([run for group in found for run in (*group.runs, *group.duplicates)], pooled=False)
            result.append(replace(whole, configurations=1, with_seed=keys))
            for group in found:
                del left[id(group)]
    return [*result, *left.values()]


def _following(group: Group) -> Iterable[str]:
    """Yield the keys of further seeds that equal the run's, of a group of one run."""
    (run, *others) = group.runs
    config = {} if others else run.config
    return (k for k, v in config.items() if k.endswith("_seed") and meaning(v) == meaning(run.result.seed))


def _group(found: list[FoundRun], pooled: bool) -> Group:
    # Of several runs of a seed counts the one that measured most, as an oracle does, of these the first.
    found = sorted(
        found,
        key=lambda run: (run.result.seed, -len(run.result.metrics), run.result.started or "", str(run.directory)),
    )
    kept: dict[tuple[Any, ...], FoundRun] = {}
    for run in found:
        kept.setdefault((run.result.seed, run.identity if pooled else ""), run)
    used = {id(run) for run in kept.values()}
    duplicates = [run for run in found if id(run) not in used]
    traits = {name: " | ".join(sorted({trait(run) for run in kept.values()})) for name, trait in TRAITS.items()}
    hashes = {run.identity for run in kept.values()}
    return Group(traits, {}, {}, tuple(kept.values()), tuple(duplicates), len(hashes))


def told_apart(groups: list[Group]) -> list[Group]:
    """Tell groups of the same block, model and trainer apart by the configuration keys in which they differ.

    A key that some of them lack, as runs do that were made before the option existed, counts only where nothing else
    tells them apart.
    """
    alike: defaultdict[tuple[str, ...], list[Group]] = defaultdict(list)
    for group in groups:
        alike[(*group.block, group.traits["model"], group.traits["trainer"])].append(group)
    result = []
    for neighbours in alike.values():
        configs = [neighbour.config for neighbour in neighbours]
        keys = sorted({key for config in configs for key in config if changes_results(key)})
        differing = [key for key in keys if differ(configs, key)]
        if len({tuple(meaning(config.get(key)) for key in differing) for config in configs}) < len(configs):
            differing = [key for key in keys if len({meaning(config.get(key)) for config in configs}) > 1]
        differing = [key for key in differing if not _follows(key, differing, configs)]
        words = {key: in_few_digits(config.get(key) for config in configs) for key in differing}
        for group, config in zip(neighbours, configs, strict=True):
            varied = {key: config.get(key) for key in differing if is_constant(key, group)}
            shown = {key: words[key][meaning(value)] for key, value in varied.items()}
            result.append(replace(group, varied=varied, words=shown))
    return result


def in_few_digits(values: Iterable[Any]) -> dict[Hashable, str]:
    """Return for each value, by its meaning, a text of four significant digits, or of as many as tell them apart.

    >>> list(in_few_digits([0.0025684381317512, 0.0012, 8, None]).values())
    ['0.002568', '0.0012', '8', 'null']
    >>> list(in_few_digits([0.50000001, 0.5, "0.50"]).values())
    ['0.50000001', '0.5']
    """
    found: dict[Hashable, Any] = {}
    for value in values:
        found.setdefault(meaning(value), value)
    for digits in range(4, sys.float_info.dig + 1):
        short = {
            key: min(f"{value:.{digits}g}", str(value), key=len) if isinstance(value, float) else written(value)
            for key, value in found.items()
        }
        if len(set(short.values())) == len(found):
            return short
    return {key: written(value) for key, value in found.items()}


def _follows(key: str, differing: Sequence[str], configs: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a key is the kind of a part that its name tells, too, as that of the evaluator."""
    part, _, end = key.rpartition(".")
    name = f"{part}.name"
    if end != "kind" or name not in differing:
        return False
    pairs = {(meaning(config.get(name)), meaning(config.get(key))) for config in configs}
    return len(pairs) == len({named for named, _ in pairs})


def _settings(values: Mapping[str, Any]) -> str:
    ends = [key.rpartition(".")[2] for key in values]
    clear = [ends.count(end) == 1 and end not in ("kind", "name") for end in ends]
    short = [end if alone else key for end, alone, key in zip(ends, clear, values, strict=True)]
    return ", ".join(f"{name}={value}" for name, value in zip(short, values.values(), strict=True))


def differ(configs: Iterable[Mapping[str, Any]], key: str) -> bool:
    """Tell whether those that have a key have several values of it."""
    return len({meaning(config[key]) for config in configs if key in config}) > 1


def is_constant(key: str, group: Group) -> bool:
    """Tell whether all runs of a group have one value of a key, or each the value of its seed."""
    return group.configurations == 1 or len({meaning(run.config.get(key)) for run in group.runs}) == 1
