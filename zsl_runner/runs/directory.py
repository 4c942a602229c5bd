"""Names and creates the directory of a run: readable, the same for the same overrides, never shared by two runs."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from hydra.core.override_parser.types import Override

from zsl_runner.config.identity import defines_the_run, flatten, lies_in
from zsl_runner.config.overrides import parse
from zsl_runner.config.quoting import written
from zsl_runner.config.saved import CHECKPOINTS
from zsl_runner.errors import CheckpointError, ConfigError, RunError
from zsl_runner.files import writing as atomic
from zsl_runner.runs.result import Result

LONGEST = 120
_LEFT_OUT_GROUPS = frozenset({"model", "dataset", "runtime", "tracker", "experiment", "sweep"})
_CHOICE_GROUPS = frozenset({"trainer", "evaluator"})


def slug_of(
    overrides: Sequence[str],
    name: str | None = None,
    seed: int = 0,
    swept: Sequence[str] = (),
) -> str:
    """Return the last part of a run's directory.

    It is made of characters that need no quoting, neither in a shell nor behind ``resume=`` in Hydra's grammar (which
    refuses ``=``, commas and brackets): parts are joined by ``+``, a key and its value by ``-``. Overrides that cannot
    change the numbers are left out, as are the model and the data set, which name the folders above. Values in braces
    count like each of their keys alone. The order of the overrides does not matter. Where characters or length had to
    be cut, a hash of the whole keeps names apart.

    Args:
        overrides: the command line's overrides, e.g. ``["trainer=em", "model.latent_dim=32"]``.
        name: the name the user chose; what a sweep varies joins it, and the seed if an override sets it.
        seed: the run's seed.
        swept: keys that have several values in the sweep this run belongs to.

    >>> slug_of(["model=sgal", "trainer=em", "model.latent_dim=32", "seed=0"])
    'em+latent_dim-32+seed-0'
    >>> slug_of(["trainer.optim.lr=0.00031427712", "model=sgal"])  # of searched numbers four digits
    'lr-0.0003143+seed-0'
    """
    settings = dict(setting for override in overrides for setting in _settings(override))
    removed = sorted(override.lstrip("~") for override in overrides if override.startswith("~"))
    told = settings if not name else {key: value for key, value in settings.items() if lies_in(key, *swept)}
    parts = [name] if name else []
    parts += [told["experiment"].replace("/", "_")] if "experiment" in told else []
    parts += [told[group] for group in sorted(_CHOICE_GROUPS & told.keys())]
    parts += _labelled({key: value for key, value in told.items() if _belongs_to_the_name(key)})
    parts += [] if name else [f"no_{key}" for key in removed]
    parts += [f"seed={seed}"] if not name or "seed" in settings else []
    return _safe("+".join(part.replace("=", "-", 1) for part in parts), exact="\n".join(parts))


def _settings(override: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of an override, of values in braces each by its dotted key."""
    key, is_setting, value = override.lstrip("+").partition("=")
    if not is_setting or override.startswith("~"):
        return
    key = key.strip().partition("@")[0]
    block = parse(override) if value.lstrip().startswith("{") else None
    inside = block.value() if isinstance(block, Override) else None
    if isinstance(inside, dict):
        yield from ((f"{key}.{below}", _shortened(written(entry))) for below, entry in flatten(inside).items())
    else:
        yield key, _shortened(value.strip().strip("'\""))


def _shortened(value: str) -> str:
    """Round a number of many digits, as a search gives them, to four; two runs that then share a name get ``.2``."""
    is_decimal = re.fullmatch(r"-?(\d*\.\d+)(e[-+]?\d+)?", value)
    if is_decimal is None or len(is_decimal[1].replace(".", "").lstrip("0")) <= 6:
        return value
    return f"{float(value):.4g}"


def _belongs_to_the_name(key: str) -> bool:
    is_group_choice = key in _LEFT_OUT_GROUPS | _CHOICE_GROUPS or "/" in key
    return not is_group_choice and defines_the_run(key)


def _labelled(settings: dict[str, str]) -> list[str]:
    """Shorten each dotted key to as few of its last parts as tell it from the others."""
    labels = []
    for key, value in sorted(settings.items()):
        parts = key.split(".")
        length = next(
            length
            for length in range(1, len(parts) + 1)
            if length == len(parts)
            or not any(other != key and other.split(".")[-length:] == parts[-length:] for other in settings)
        )
        labels.append(f"{'.'.join(parts[-length:])}={value}")
    return labels


def _safe(text: str, exact: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9._+-]+", "_", text).strip("_.") or "run"
    if safe == text and len(safe) <= LONGEST:
        return safe
    tail = "+" + hashlib.sha256(exact.encode()).hexdigest()[:8]
    return safe[: LONGEST - len(tail)] + tail


def folder_of(outputs: Path, model: str, dataset: str) -> Path:
    """Return the folder of all runs of a model on a data set."""
    return outputs / _safe(model, model) / _safe(dataset, dataset)


def made(folder: Path, option: str = "outputs") -> Path:
    """Return a folder for runs or for the records of sweeps, made if need be.

    Args:
        folder: the folder.
        option: what chooses another one, for the message.

    Raises:
        ConfigError: it cannot be made there; some file systems, such as /proc, tell only who tries.
        RunError: the disk is full.
    """
    with _named(folder, option):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def create(outputs: Path, model: str, dataset: str, slug: str) -> Path:
    """Create ``outputs/model/dataset/slug`` for one run only and return it.

    If the directory exists, ``slug.2``, ``slug.3``, ... are tried. Two processes that ask in the same instant get two
    directories, because creating a directory is atomic.

    Raises:
        RunError: the directory cannot be created, see `made`.
    """
    folder = made(folder_of(outputs, model, dataset))
    with _named(folder):
        for repeat in count(1):
            directory = folder / (slug if repeat == 1 else f"{slug}.{repeat}")
            try:
                directory.mkdir()
            except FileExistsError:
                continue
            return directory
    raise AssertionError("count never ends")


def lies_elsewhere(directory: Path, result: Result) -> str | None:
    """Return in words that a run no longer lies where its process works on it, and another one may; None if it does.

    A missing or damaged record is no other one: it is written anew.

    Args:
        directory: the run's directory.
        result: its record, which the process has saved there when it began.
    """
    if not directory.is_dir():
        found = "is no longer there"
    elif _started_of(directory) in (None, result.started):
        return None
    else:
        found = "holds another run by now"
    return (
        f"{directory}: {found}: the run was moved, renamed or removed while it was at work, and nothing more is "
        "written; continue it from its newest checkpoint where it lies now, with zsl-run resume=RUN"
    )


def require_in_place(directory: Path, result: Result) -> None:
    """Refuse to write where a run no longer lies.

    Raises:
        CheckpointError: see `lies_elsewhere`.
    """
    if (moved := lies_elsewhere(directory, result)) is not None:
        raise CheckpointError(moved)


def _started_of(directory: Path) -> str | None:
    """Return when the run in a directory was started; None if no record tells."""
    try:
        return Result.load(directory).started
    except RunError:
        return None


@contextmanager
def _named(folder: Path, option: str = "outputs") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "free disk space" if full else f"choose another folder with {option}=DIR"
        kind = RunError if full else ConfigError
        raise kind(f"{folder}: cannot be created: {error.strerror or error}; {remedy}") from error


def remove_leftovers(directory: Path) -> None:
    """Remove the temporary files that killed processes left in a run's directory; only for who holds its lock."""
    for folder in (directory, directory / CHECKPOINTS, directory / "figures"):
        atomic.remove_leftovers(folder, older_than=0)
