"""What a search has found: its best trials, their runs, and the command that trains the best of them over seeds.

Reads the study and the notes of all sweeps that worked on it. Never imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_runner.config.paths import shown
from zsl_runner.config.quantities import quantity_of
from zsl_runner.config.quoting import line, setting
from zsl_runner.config.saved import read_saved
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.sweep import objectives_of
from zsl_runner.errors import CheckpointError
from zsl_runner.files.folders import entries
from zsl_runner.sweeps.notes import Plan, read_earlier, read_notes

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

_SHOWN = 8
"""Trials that are shown where none is the best, because there are several objectives."""


def found(name: str, storage: str, sweeps: Path, config: RunConfig, following: Sequence[str] = ()) -> str:
    """Return what a study has found so far, in lines; none if it was never begun.

    Args:
        name: the study.
        storage: where Optuna keeps it.
        sweeps: the folder that holds the folders of all sweeps, this one's among them.
        config: the configuration of one of its runs.
        following: keys whose values are the run's seed, whatever that is.
    """
    import optuna

    try:
        study = optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        return ""
    complete = _complete(study)
    lines = [f"study {name}: {complete} of {len(study.get_trials(deepcopy=False))} trials with a result"]
    if not complete:
        return lines[0]
    objectives = objectives_of(config)
    best = study.best_trials if len(objectives) > 1 else [study.best_trial]
    if len(objectives) > 1:
        lines.append(f"trials that no other beats in all objectives: {len(best)}, shown {min(_SHOWN, len(best))}")
    quantities = {key: asdict(quantity) for key, quantity in config.evaluator.quantities.items()}
    places = [_run_of(trial, name, sweeps) for trial in best[:_SHOWN]]
    for trial, place in zip(best, places, strict=False):
        values = ", ".join(
            f"{objective} {value:.{quantity_of(objective, quantities).digits}f}"
            for objective, value in zip(objectives, trial.values, strict=True)
        )
        lines.append(f"best {values}: {' '.join(_overrides(trial))}")
        lines.append(f"  run {shown(place)}" if place else "  its run is no longer there")
    kept = next((place for place in places if place), None)
    if kept is not None:
        try:
            lines.append(f"train it over seeds, and test it:\n  {_over_seeds(name, kept, config, following)}")
        except CheckpointError as error:  # the search itself is done
            lines.append(f"no command can train it over seeds: {error}")
    return "\n".join(lines)


def results(name: str, storage: str) -> int:
    """Return how many trials of a study have a result.

    Args:
        name: the study.
        storage: where Optuna keeps it.
    """
    import optuna

    return _complete(optuna.load_study(study_name=name, storage=storage))


def _complete(study: Study) -> int:
    return sum(trial.state.name == "COMPLETE" for trial in study.get_trials(deepcopy=False))


def _overrides(trial: FrozenTrial) -> list[str]:
    """Return a trial's values as its job was given them."""
    return [f"{key}={value}" for key, value in trial.params.items()]


def _run_of(trial: FrozenTrial, study: str, sweeps: Path) -> Path | None:
    """Return the directory of a trial's run; None if there is no note of it, or it was removed."""
    given = set(_overrides(trial))
    for folder in entries(sweeps, "*"):
        if Plan.load(folder).study == study:
            for note in (*read_notes(folder), *read_earlier(folder)):
                if note.directory and given <= set(note.overrides) and (Path(note.directory) / "config.yaml").is_file():
                    return Path(note.directory)
    return None


def _over_seeds(name: str, directory: Path, config: RunConfig, following: Sequence[str]) -> str:
    """Return the command that repeats a run with five seeds and tests the models, which a search does not."""
    stages: Sequence[str] = type(config.evaluator)().stages
    listed = ",".join(stages)
    place = ("--config-path", str(directory.absolute()), "--config-name", "config")
    seeds = ["seed=range(0,5)", *(f"{key}=${{seed}}" for key in following)]  # the saved configuration has their values
    # What the search said of existing runs is no word on these: "new" would repeat all of them with each command.
    existing = ["existing=auto"] if read_saved(directory).get("existing", "auto") != "auto" else []
    overrides = [setting("name", name), *seeds, f"evaluator.stages=[{listed}]", *existing]
    return line("zsl-run", "-m", *place, *overrides)
