"""Finds a run's directory and reads the configuration it keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from zsl_runner.config.bounds import check_file
from zsl_runner.config.places import out_of_reach
from zsl_runner.config.problems import did_you_mean
from zsl_runner.config.quoting import restoration
from zsl_runner.errors import CheckpointError, RunError

CONFIG_FILE = "config.yaml"
CHECKPOINTS = "checkpoints"


def read_saved(directory: Path) -> dict[str, Any]:
    """Return the configuration in a run's directory.

    Raises:
        CheckpointError: there is no run, or its configuration cannot be read.
    """
    file = open_existing(directory) / CONFIG_FILE
    try:
        check_file(file)
        values = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
    except (OSError, ValueError, YAMLError, OmegaConfBaseException, RunError, RecursionError, AssertionError) as error:
        raise CheckpointError(f"{file} cannot be read: {error}{restoring(directory)}") from error
    if not isinstance(values, dict) or not values:
        found = "a list" if isinstance(values, list) else "nothing" if not values else repr(values)[:40]
        raise CheckpointError(f"{file}: expected keys and values, found {found}{restoring(directory)}")
    return {str(key): value for key, value in values.items()}


def open_existing(path: Path) -> Path:
    """Return the absolute path of an existing run directory.

    Raises:
        CheckpointError: there is no such directory, or it holds no run.
    """
    if reason := out_of_reach(path):
        raise CheckpointError(f"{path}: cannot be read: {reason}")
    if not path.exists():
        meant = did_you_mean(path.name, sorted(run.parent.name for run in path.parent.glob(f"*/{CONFIG_FILE}")))
        if path.name == "auto":
            meant = "; existing=keep continues the unfinished run of the same configuration and seed, wherever it lies"
        raise CheckpointError(
            f"{path}: no such run directory{meant or '; runs lie in outputs/<model>/<dataset>/<run>'}"
        )
    if not path.is_dir():
        raise CheckpointError(f"{path}: expected a run directory, found a file")
    if not (path / CONFIG_FILE).is_file():
        inside = sorted(found.parent for found in path.glob(f"*/**/{CONFIG_FILE}"))[:3]
        hint = "; did you mean " + ", ".join(str(found) for found in inside) + "?" if inside else restoring(path)
        raise CheckpointError(f"{path}: expected a run directory with {CONFIG_FILE}, found none{hint}")
    return path.resolve()


def restoring(path: Path) -> str:
    """Return how to write a run's configuration anew; nothing if it has no checkpoint that would keep it."""
    if not any((path / CHECKPOINTS).glob("step-*.pt")):
        return ""
    return f"\nits checkpoints keep the whole configuration; to write it anew: {restoration(path)}"
