"""Checkpoints: written atomically, kept by policy, loaded without executing anything they contain."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import torch

from zsl_runner.errors import CheckpointError

FORMAT = 1
PATTERN = "step-*.pt"
log = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints of one run.

    A file appears under its final name only when it is complete and on the disk, so a process killed at any moment
    leaves the earlier checkpoints usable.

    Args:
        directory: the ``checkpoints`` folder of the run.
        keep: how many of the newest files stay.
        config_hash: hash of the configuration the states belong to.
    """

    def __init__(self, directory: Path, keep: int, config_hash: str) -> None:
        self.directory = directory
        self.keep = keep
        self.config_hash = config_hash

    def save(self, step: int, state: dict[str, Any]) -> Path:
        """Write the state of global step ``step``.

        Args:
            step: steps of the run so far.
            state: tensors, numbers, strings, lists and dictionaries.

        Raises:
            CheckpointError: the file cannot be written (disk full, no permission); earlier checkpoints are untouched.
        """
        path = self.directory / f"step-{step:09d}.pt"
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        content = {"format": FORMAT, "config_hash": self.config_hash, "torch": str(torch.__version__), "state": state}
        try:
            self.directory.mkdir(exist_ok=True)
            with temporary.open("wb") as file:
                torch.save(content, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except (OSError, RuntimeError) as error:
            temporary.unlink(missing_ok=True)
            raise CheckpointError(
                f"{path}: the checkpoint cannot be written ({error}); free disk space and resume"
            ) from error
        for old in self.files()[: -self.keep]:
            old.unlink(missing_ok=True)
        return path

    def files(self) -> list[Path]:
        """Return the complete checkpoint files, oldest first."""
        return sorted(self.directory.glob(PATTERN))

    def latest(self, device: torch.device | str = "cpu") -> dict[str, Any] | None:
        """Return the newest readable state; None if there is no checkpoint.

        A damaged file is passed over with a warning as long as an older one can be read.

        Raises:
            CheckpointError: there are files and none can be used, or they belong to another configuration.
        """
        files = self.files()
        reason = ""
        for path in reversed(files):
            try:
                content = torch.load(path, map_location=device, weights_only=True)
                if not isinstance(content, dict) or content.get("format") != FORMAT:
                    raise ValueError(f"not a checkpoint of format {FORMAT}")
            except Exception as error:
                reason = f"{path}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'empty file'}"
                log.warning("passing over a damaged checkpoint, %s", reason)
                continue
            if content["config_hash"] != self.config_hash:
                raise CheckpointError(
                    f"{path}: belongs to another configuration (hash {content['config_hash'][:12]}, this run "
                    f"{self.config_hash[:12]}); was config.yaml edited?"
                )
            if content["torch"] != torch.__version__:
                log.warning(
                    "%s was written by torch %s, this is %s: the continued run need not be bit-identical",
                    path,
                    content["torch"],
                    torch.__version__,
                )
            state: dict[str, Any] = content["state"]
            return state
        if files:
            raise CheckpointError(f"no checkpoint in {self.directory} can be read; the last failure: {reason}")
        return None
