"""``result.json``: what a run was, what it cost and what it measured. Never imports torch."""

from __future__ import annotations

import dataclasses
import json
import math
import platform
import resource
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from zsl_runner import __version__
from zsl_runner.config.paths import PACKAGE
from zsl_runner.config.quoting import again
from zsl_runner.errors import RunError
from zsl_runner.files.writing import write_text

FILE_NAME = "result.json"
SCHEMA_VERSION = 1
STATES = ("running", "complete", "failed", "interrupted")
LARGEST = 1e100
"""Sums of squares of larger numbers would overflow; no metric or cost is as large."""
_MOST_DIGITS = 20


@dataclass
class Result:
    """The content of ``result.json``.

    Attributes:
        status: ``running``, ``complete``, ``failed`` or ``interrupted``.
        model: label of the model.
        dataset: label of the data set.
        trainer: label of the training procedure.
        seed: the run's seed.
        config_hash: hash of everything in the configuration that can change the numbers, except the seed.
        metrics: ``test/T1`` and so on, unrounded, in per cent unless ``quantities`` says otherwise; ``oracle/*``
            beside them.
        validation: ``val/*`` of the selected length, likewise.
        selection: how the training length was chosen: ``mode``, ``metric``, ``stage_lengths``,
            ``best_validation_length``; and what else the evaluator chose, e.g. ``calibration_offset``.
        setting: ``kind`` (inductive, transductive, supervised ...) and, of zero-shot data, ``class_prior``.
        tables: what was measured on the test rows and is more than single numbers, by name: ``rows``, ``columns`` and
            ``values``, lines of numbers or null.
        quantities: of the metrics that are not accuracies in per cent, by name without prefix: ``unit``,
            ``lower_is_better``, ``digits``, ``ranked``.
        data: name, kind, feature_kind, semantics, split_version, files with sha256, notes; of zero-shot data
            feature_scaling, the radius of its l2 step, and semantic_scaling, which training applied to the files'.
        versions: of Python, the libraries, the platform, the processor and the device; see `versions`.
        cost: wall_seconds, cpu_seconds, peak_memory_mb, gradient_steps, real_rows, stage_seconds; of captured steps
            graphs and eager_variants, by phase; on a GPU device_memory_mb, the most it held for the last process.
        git: commit and dirty of the source tree, or None; as the versions those of the last process, see
            `program_changes`.
        host: name of the machine whose process works, or worked last, on the run; None if that was not recorded.
        started: UTC time, ISO 8601.
        finished: UTC time, ISO 8601; None while it runs.
        command: the command line.
        study: the study of the search that started the run; empty if none did, None if that was not recorded.
        error: type and message if the run failed.
        debug: what the run did otherwise than it would have without its ``debug`` options, by name; empty for a
            proper run. Metrics of a run that has any are comparable with nothing.
        warnings: what a reader must know before trusting the metrics, in sentences: of the data
            (see `Provenance`), then of training (see `Trainer.warnings`).
        schema_version: version of this layout.
    """

    status: str
    model: str
    dataset: str
    trainer: str
    seed: int
    config_hash: str
    metrics: dict[str, float] = field(default_factory=dict)
    validation: dict[str, float] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    selection: dict[str, Any] = field(default_factory=dict)
    setting: dict[str, Any] = field(default_factory=dict)
    quantities: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    cost: dict[str, Any] = field(default_factory=dict)
    git: dict[str, Any] | None = None
    host: str | None = None
    started: str | None = None
    finished: str | None = None
    command: str = ""
    study: str | None = None
    error: dict[str, str] | None = None
    debug: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    schema_version: int = SCHEMA_VERSION

    def save(self, directory: Path) -> Path:
        """Write ``directory/result.json`` atomically and return its path; floats keep full precision.

        A number that is not finite is written as null: JSON knows no other.

        Raises:
            ValueError: the status is none of `STATES`.
            RunError: the file cannot be written.
        """
        if self.status not in STATES:
            raise ValueError(f"status: expected one of {', '.join(STATES)}, found {self.status!r}")
        path = directory / FILE_NAME
        content = _finite_or_null(dataclasses.asdict(self))
        write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        return path

    @classmethod
    def load(cls, path: Path) -> Result:
        """Read a result, given its file or its run directory.

        Keys this version does not know are left out, keys it misses take their defaults, so results of other
        versions can be read.

        Raises:
            RunError: the file is absent, is no file or no JSON object, or lacks what identifies a run.
        """
        path = path / FILE_NAME if path.is_dir() else path
        if path.exists() and not path.is_file():  # reading a pipe would never end
            raise RunError(f"{path}: expected a file")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise RunError(f"{path}: cannot be read: {error.strerror or error}") from error
        except (ValueError, RecursionError) as error:
            rebuilt = f"it is rebuilt by: {again(path.parent)}"
            raise RunError(f"{path}: expected JSON, found a damaged file ({error}); {rebuilt}") from error
        return cls.of(content, str(path))

    @classmethod
    def of(cls, content: Any, origin: str) -> Result:
        """Return the result that plain values describe; see `load`.

        Args:
            content: the values by the names of the attributes.
            origin: where they come from, for the message.

        Raises:
            RunError: they are no dictionary, or lack what identifies a run.
        """
        if not isinstance(content, dict):
            raise RunError(f"{origin}: expected a JSON object, found {type(content).__name__}")
        fields = {entry.name: entry for entry in dataclasses.fields(cls)}
        required = [name for name, entry in fields.items() if _is_required(entry)]
        missing = [name for name in required if name not in content]
        if missing:
            raise RunError(f"{origin}: expected the keys {', '.join(required)}, found no {', '.join(missing)}")
        values = {name: value for name, value in content.items() if name in fields and _fits(fields[name], value)}
        if any(name not in values for name in required):
            wrong = [name for name in required if name not in values]
            raise RunError(f"{origin}: {', '.join(wrong)}: found a value of the wrong type")
        for name in ("metrics", "validation"):
            values[name] = {tag: math.nan if value is None else value for tag, value in values.get(name, {}).items()}
        result = cls(**values)
        problems = list(_problems(result))
        if problems:
            raise RunError(f"{origin}: {problems[0]}" + (f" and {len(problems) - 1} more" if problems[1:] else ""))
        return result


def checksums(data: object) -> list[tuple[str, str]] | None:
    """Return path and checksum of each file in a record's ``data``; None if the record does not tell."""
    files = data.get("files") if isinstance(data, Mapping) else None
    if not isinstance(files, (list, tuple)) or not all(isinstance(file, Mapping) for file in files):
        return None
    found = [(str(file.get("path", "")), file.get("sha256")) for file in files]
    return None if any(not isinstance(sha256, str) for _, sha256 in found) else found


def _problems(result: Result) -> Iterable[str]:
    """Yield what in a record is not as a run writes it (``field: expected ..., found ...``)."""
    if result.status not in STATES:
        yield f"status: expected one of {', '.join(STATES)}, found {result.status!r:.80}"
    for name, values in (("metrics", result.metrics), ("validation", result.validation)):
        yield from _wrong(name, values, _is_metric, "a number")
    yield from _wrong("cost", result.cost, _is_cost, "numbers that are not negative")
    yield from _wrong("quantities", result.quantities, _is_quantity, "unit, lower_is_better, digits, ranked")
    yield from _wrong("tables", result.tables, _is_table, "rows, columns and as many values")
    yield from _wrong("error", result.error or {}, lambda value: isinstance(value, str), "text")
    files = result.data.get("files") or []
    if not isinstance(files, list) or not all(isinstance(file, Mapping) for file in files):
        yield f"data.files: expected a list of files, found {files!r:.80}"


def _wrong(name: str, values: Mapping[str, Any], is_sound: Callable[[Any], bool], expected: str) -> Iterable[str]:
    for key, value in values.items():
        if not is_sound(value):
            yield f"{name}: {key}: expected {expected}, found {value!r:.80}"


def is_number(value: Any) -> bool:
    """Tell whether a value of a record is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_metric(value: Any) -> bool:
    """NaN stands for null, as which a metric that could not be measured is written."""
    return is_number(value) and (value != value or abs(value) < LARGEST)


def _is_cost(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_cost(entry) and not isinstance(entry, Mapping) for entry in value.values())
    return value is None or (is_number(value) and 0 <= value < LARGEST)


def _is_quantity(value: Any) -> bool:
    if not isinstance(value, Mapping):  # of another version; not used
        return True
    digits = value.get("digits", 1)
    return (
        isinstance(value.get("unit", ""), str)
        and all(isinstance(value.get(name, True), bool) for name in ("lower_is_better", "ranked"))
        and is_number(digits)
        and digits in range(_MOST_DIGITS)
    )


def _is_table(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    rows, columns, lines = (value.get(name) for name in ("rows", "columns", "values"))
    if not isinstance(rows, list) or not isinstance(columns, list) or not isinstance(lines, list):
        return False
    if not all(isinstance(name, str) for name in (*rows, *columns)):
        return False
    return len(lines) == len(rows) and all(
        isinstance(line, list) and len(line) == len(columns) and all(v is None or _is_metric(v) for v in line)
        for line in lines
    )


def _is_required(entry: dataclasses.Field[Any]) -> bool:
    return entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING


def _fits(entry: dataclasses.Field[Any], value: Any) -> bool:
    wanted = {"str": str, "int": int, "dict": dict, "list": list}[str(entry.type).partition("[")[0].partition(" ")[0]]
    is_wanted = isinstance(value, wanted) and not isinstance(value, bool)
    return is_wanted or (value is None and "None" in str(entry.type))


def _finite_or_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite_or_null(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite_or_null(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def versions(device: str, processor: str) -> dict[str, str]:
    """Return the versions that can change a number, and what computed it.

    Args:
        device: name of the device in words, e.g. ``cpu`` or what CUDA calls the card.
        processor: the CPU in words, also beside a card.
    """
    found = {"zsl-run": __version__, "python": platform.python_version()}
    for label, distribution in (
        ("torch", "torch"),
        ("numpy", "numpy"),
        ("scikit-learn", "scikit-learn"),
        ("hydra", "hydra-core"),
        ("omegaconf", "omegaconf"),
    ):
        try:
            found[label] = version(distribution)
        except PackageNotFoundError:
            found[label] = "not installed"
    return found | {"platform": platform.platform(), "processor": processor, "device": device}


@cache
def git_state() -> dict[str, Any] | None:
    """Return commit and dirtiness of the source tree the package runs from; None for an installed wheel.

    Untracked files do not make a tree dirty. A tree without any commit counts as none.
    """
    tree = PACKAGE.parent
    if not (tree / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ("git", "-C", str(tree), *arguments), capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    try:
        return {
            "commit": git("rev-parse", "HEAD"),
            "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.SubprocessError):
        return None


def program_changes(before: Mapping[str, Any], now: Result) -> list[str]:
    """Return, as a warning, in what the program and the machine that go on with a run differ from those before.

    Nothing is said of the platform, whose name changes with every kernel; what computes has versions of its own.

    Args:
        before: the record that the checkpoint holds; it may lack anything.
        now: the record of this process.

    >>> now = Result("running", "m", "d", "t", 0, "", versions={"torch": "2.13.0", "device": "cpu"})
    >>> program_changes({"versions": {"torch": "2.6.0", "device": "cpu"}}, now)
    ['resumed with torch 2.13.0 instead of 2.6.0: in one piece the run may have had other numbers']
    """
    versions, git = before.get("versions") or {}, before.get("git")
    changes = [
        f"{name} {found} instead of {versions[name]}"
        for name, found in now.versions.items()
        if name != "platform" and versions.get(name, found) != found
    ]
    if git and now.git and git != now.git:
        changes.append(f"commit {tree_of(now.git)} instead of {tree_of(git)}")
    return [f"resumed with {', '.join(changes)}: in one piece the run may have had other numbers"] if changes else []


def tree_of(git: Mapping[str, Any]) -> str:
    """Return commit and dirtiness of a source tree in words; see `git_state`."""
    return f"{str(git.get('commit'))[:12]}{', changed' if git.get('dirty') else ''}"


def peak_memory() -> float:
    """Return the largest resident memory of this process so far, in MiB.

    On Linux it is read from ``/proc``: what `resource` gives there begins with the memory of the process that started
    this one. Elsewhere `resource` counts in kilobytes, on macOS in bytes.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
