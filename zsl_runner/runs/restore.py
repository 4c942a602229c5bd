"""``python -m zsl_runner.runs.restore RUN`` writes a run's ``config.yaml`` anew, from its newest whole checkpoint."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import OmegaConf

from zsl_runner.config.places import require_there
from zsl_runner.config.saved import CHECKPOINTS, CONFIG_FILE
from zsl_runner.config.typed import to_yaml, typed
from zsl_runner.console import frame
from zsl_runner.errors import CheckpointError
from zsl_runner.files.locks import exclusive
from zsl_runner.files.writing import write_text
from zsl_runner.runs.checkpoint import Checkpoints


def restore(directory: Path) -> Path:
    """Write the configuration that the run in ``directory`` began with, and return its file.

    Raises:
        ConfigError: there is no such directory.
        RunError: no checkpoint keeps the configuration, or the file cannot be written.
    """
    require_there(directory, "run directory")
    saved = Checkpoints(directory / CHECKPOINTS).newest()
    if saved is None or not saved.config:
        found = "none" if saved is None else f"{saved.path.name} of an earlier version, which does not"
        raise CheckpointError(f"{directory}: expected a checkpoint that keeps the configuration, found {found}")
    content = to_yaml(typed(OmegaConf.create(saved.config)))
    with exclusive(directory):
        write_text(directory / CONFIG_FILE, content)
    return directory / CONFIG_FILE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return frame.run("zsl_runner.runs.restore", lambda: _work(arguments))


def _work(arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(prog="python -m zsl_runner.runs.restore", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN", help="directory of the run")
    print(f"{restore(parser.parse_args(arguments).run)}: written as the run began")
    return 0


if __name__ == "__main__":
    sys.exit(main())
