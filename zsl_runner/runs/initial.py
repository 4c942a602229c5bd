"""The first weights of a stage: those of an earlier run, or of a file of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zsl_runner.config.saved import CHECKPOINTS
from zsl_runner.errors import CheckpointError
from zsl_runner.files.names import some
from zsl_runner.models.base import Model
from zsl_runner.runs.checkpoint import Checkpoints


def initialise(model: Model, path: Path) -> None:
    """Put the weights at ``path`` into a model.

    Args:
        model: just built. What the file leaves out, beside the backbone, keeps its random weights.
        path: a run's directory, of whose newest checkpoint the weights are taken, or a file of `torch.save` with a
            dictionary of tensors.

    Raises:
        CheckpointError: the file cannot be read, has a name or a shape that the model has not, or lacks a part of its
            backbone.
    """
    found, own = weights_at(path), model.state_dict()
    unknown = sorted(map(str, set(found) - set(own)))  # any value may be a key in a file
    missing = [name for name in own if name not in found and name.startswith("backbone.")]
    if unknown or missing:
        complaints = [f"unknown to the model: {some(unknown)}"] * bool(unknown)
        complaints += [f"missing: {some(missing)}"] * bool(missing)
        raise CheckpointError(f"{path}: expected the tensors of the model by its names; {'; '.join(complaints)}")
    for name, tensor in found.items():
        if tensor.shape != own[name].shape:
            raise CheckpointError(
                f"{path}: {name}: expected the shape {tuple(own[name].shape)} of the model, found {tuple(tensor.shape)}"
            )
    model.load_state_dict(found, strict=False)


def weights_at(path: Path) -> Mapping[str, Tensor]:
    """Return the tensors by name of a run's newest checkpoint, or of a file.

    Raises:
        CheckpointError: there is none, or it is something else.
    """
    if path.is_dir():
        saved = Checkpoints(path / CHECKPOINTS, required={"parts": dict}).newest()
        if saved is None:
            raise CheckpointError(f"{path}: expected the directory of a run, found no checkpoint in it")
        return dict(saved.state["parts"]["model"])
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged or foreign file makes torch raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path}: expected a dictionary of tensors by torch.save; {reason}") from error
    if not isinstance(content, Mapping) or not all(isinstance(tensor, Tensor) for tensor in content.values()):
        raise CheckpointError(
            f"{path}: expected a dictionary of tensors, found something else; save model.state_dict()"
        )
    return content
