"""Keeps a search in a study on disk, so that the same command goes on with it after a kill.

Optuna's sweeper asks for so many *further* trials, and forgets those that were running when its process died. Here the
trials there are count, and what was lost is tried again with the same values: its run goes on from its checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from zsl_runner.config.identity import defines_the_run, flatten, lies_in
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.sweep import searched
from zsl_runner.config.typed import plain
from zsl_runner.errors import CheckpointError, ConfigError
from zsl_runner.files.locks import exclusive
from zsl_runner.files.names import beginning

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

_SQLITE = "sqlite:///"
_LOST = "lost"
"""Attribute of a trial whose process died; another trial repeats it."""
_REPEATS = "repeats"
"""Attribute of a trial that repeats one that failed: that one's number. What has ended takes no attribute any more."""
_LONGEST = 120
"""Bytes before the hash in a study's name, which names its folder."""
OTHER_NAME = "give this search another hydra.sweeper.study_name, or null for a name of its own"
"""What to do about a study of another search."""
_DECIDES = ("sampler", "direction")


@dataclass(frozen=True)
class Left:
    """What is left to do in a study.

    Attributes:
        trials: number of further trials.
        before: number of trials there were, whatever became of them.
        message: the same in words.
    """

    trials: int
    before: int
    message: str


def name_of(
    settings: DictConfig, values: Mapping[str, Sequence[str]], config: RunConfig, kinds: Mapping[str, str] | None = None
) -> str:
    """Return a study's name: preset, model and data set, and a hash of all that tells two searches apart.

    That is the configuration but for the keys that are searched, what the data are, the space, the sampler and the
    objectives; not how many trials there are or where they run.

    Args:
        settings: Hydra's settings.
        values: what the search tries, by key.
        config: the configuration of one of its runs.
        kinds: how the values are swept where they do not tell (see `zsl_runner.config.sweep.kinds`).
    """
    from zsl_runner.data.load import contents  # numpy is imported for a search only

    tried = searched(values)
    fixed = {
        key: value
        for key, value in flatten(plain(config)).items()
        if (defines_the_run(key) or key == "seed") and not lies_in(key, *tried)
    }
    sampler, direction = (OmegaConf.to_container(OmegaConf.create({"x": settings.sweeper[key]})) for key in _DECIDES)
    data = [file.sha256 for file in contents(config.dataset)]
    told = [fixed, data, tried, sampler, direction, list(config.objectives)]
    if kinds:
        told.append(kinds)
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:8]
    preset = OmegaConf.select(settings, "runtime.choices.sweep") or "search"
    return f"{beginning(f'{preset}-{config.model.name}-{config.dataset.name}', _LONGEST)}-{digest}"


def file_of(storage: str | None) -> Path | None:
    """Return the file of a study kept in SQLite; None for another storage or none.

    >>> file_of("sqlite:///outputs/study.db"), file_of(None)
    (PosixPath('outputs/study.db'), None)
    """
    return Path(storage.removeprefix(_SQLITE)) if storage is not None and storage.startswith(_SQLITE) else None


def go_on(
    name: str, file: Path, wanted: int, objectives: Sequence[str], directions: Sequence[str], retries: bool = False
) -> Left:
    """Prepare a study for its next trials, and return how many are left of ``wanted``.

    Only for a study no other process works on. A new one is made here and not by the sweeper, so that dashboards call
    its objectives by their names.

    Args:
        name: of the study.
        file: that keeps it.
        wanted: how many trials there shall be.
        objectives: the metrics that are optimised.
        directions: "maximize" or "minimize" for each.
        retries: whether trials that failed are tried again with the same values, too.

    Raises:
        ConfigError: another version of Optuna keeps it, or it optimises something else.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = f"{_SQLITE}{file}"
    try:
        study = optuna.create_study(storage=storage, study_name=name, directions=directions, load_if_exists=True)
    except RuntimeError as error:
        if "storage upgrade" not in str(error):
            raise
        remedy = f"bring it up to this one with 'optuna storage upgrade --storage {storage}'"
        raise ConfigError(f"{file}: another version of Optuna keeps this study; {remedy}, or move it away") from error
    known, kept = study.metric_names, [direction.name.lower() for direction in study.directions]
    # Without a trial only the names may change; how many values a trial has, and which are better, is in the file.
    has_others = bool(study.get_trials(deepcopy=False)) and known not in (None, list(objectives))
    if has_others or kept != list(directions):
        sought = _sought(known or ["a metric"] * len(kept), kept)
        now = _sought(objectives, directions)
        raise ConfigError(f"{file}: study {name} is to {sought}, this search to {now}; {OTHER_NAME}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(list(objectives))
    if not study.get_trials(deepcopy=False):
        return Left(wanted, 0, f"study {name}: new, {wanted} trials")
    states = optuna.trial.TrialState
    lost = study.get_trials(deepcopy=False, states=(states.RUNNING,))
    for trial in lost:
        if trial.params:
            study.enqueue_trial(trial.params)
        study._storage.set_trial_user_attr(trial._trial_id, _LOST, True)
        study.tell(trial.number, state=states.FAIL)
    failed = [trial for trial in _last_words(study) if trial.state == states.FAIL and trial.params] if retries else []
    for trial in failed:
        study.enqueue_trial(trial.params, user_attrs={_REPEATS: trial.number})
    trials, done = study.get_trials(deepcopy=False), len(_last_words(study))
    again = f", {len(lost)} cut short and tried again" if lost else ""
    again += f", {len(failed)} failed and tried again" if failed else ""
    return Left(max(0, wanted - done), len(trials), f"study {name}: {done} of {wanted} trials done{again}")


def _sought(objectives: Sequence[str], directions: Sequence[str]) -> str:
    return ", ".join(f"{direction} {name}" for name, direction in zip(objectives, directions, strict=True))


def _last_words(study: Study) -> list[FrozenTrial]:
    """Return the trials that have ended and that no other one repeats."""
    trials = study.get_trials(deepcopy=False)
    repeated = {trial.user_attrs.get(_REPEATS) for trial in trials}
    return [
        trial
        for trial in trials
        if trial.state.is_finished() and not trial.user_attrs.get(_LOST) and trial.number not in repeated
    ]


@contextmanager
def alone_with(file: Path) -> Iterator[None]:
    """Hold a study's folder, so that no second process takes running trials for lost ones.

    Raises:
        ConfigError: another process holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with exclusive(file.parent):
            yield
    except CheckpointError as error:
        if str(file.parent) not in str(error):
            raise
        raise ConfigError(f"{file}: another process is searching in this study; wait for it, or stop it") from error
