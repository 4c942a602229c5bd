"""Builds the network that turns pictures into features, with its preprocessing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zsl_runner.data.command.extraction.named import brief, building, function, package, split
from zsl_runner.data.command.extraction.preprocessing import PLAIN, Preprocessing, preprocessing
from zsl_runner.errors import ConfigError, DataError, RunError

OPTION: Final = "--backbone"
KNOWN: Final = ("timm", "open_clip")
MODES: Final = {"center": "crop", "shortest": "crop"}
"""Names of ways to fit a picture into the square that timm and open_clip give to ways of ours."""
Own = Mapping[str, Any]
"""A backbone's own preprocessing, see `preprocessing`."""


@dataclass(frozen=True)
class Backbone:
    """A network and what it reads.

    Attributes:
        network: from (B, 3, S, S) normalised pixels to (B, D) features.
        preprocessing: what its author evaluates it with.
    """

    network: nn.Module
    preprocessing: Preprocessing

    def fingerprint(self) -> str:
        """Return a checksum of the structure, the weights and the buffers."""
        digest = hashlib.sha256(str(self.network).encode())
        for name, value in sorted(self.network.state_dict().items()):
            if not isinstance(value, Tensor):  # what a module keeps beside its tensors
                digest.update(f"{name} {value!r}".encode())
                continue
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()

    @torch.inference_mode()
    def features(self, pixels: NDArray[np.uint8], device: torch.device) -> NDArray[np.float32]:
        """Return the (B, D) features of (B, 3, S, S) pixels.

        Raises:
            DataError: the network gives something else than a row of numbers for each picture.
        """
        steps = self.preprocessing
        mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in (steps.mean, steps.std))
        batch = (torch.from_numpy(pixels).to(device).float() / 255 - mean) / std
        try:
            # Algorithms that give the same bits each time, and float32 in all its digits.
            with torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False):
                found = self.network(batch)
        except (RunError, MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # foreign code: pictures of a size it does not take
            raise DataError(f"{OPTION}: fails on a batch of shape {tuple(batch.shape)}: {brief(error)}") from error
        if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != len(pixels):
            what = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise DataError(
                f"{OPTION}: expected a network that gives {len(pixels)} rows of features, (B, D), found {what}; "
                "average over places and take the first of several outputs in a function of your own"
            )
        return found.float().cpu().numpy()


def build(text: str, weights: str | None, given: Mapping[str, Any]) -> Backbone:
    """Return a backbone in evaluation mode on the CPU.

    Args:
        text: ``timm:NAME``, ``open_clip:NAME`` or ``package.module:function``.
        weights: a file, or of open_clip a tag; None for those that the name stands for.
        given: what its preprocessing shall be, where not its own; see `preprocessing`.

    Raises:
        ConfigError: it is not known, cannot be built or has no weights.
    """
    source, name = split(OPTION, text, KNOWN)
    network: Any
    if source in KNOWN:
        library = package(OPTION, source)
        with building(OPTION, text):
            network, own = (_timm if source == "timm" else _open_clip)(library, name, weights, given.get("size"))
    else:
        builder = function(OPTION, text)
        with building(OPTION, text):
            network, own = builder() if weights is None else builder(weights), PLAIN
        if not isinstance(network, nn.Module):
            raise ConfigError(f"{OPTION}: expected {text} to return a torch.nn.Module, found {type(network).__name__}")
    network.eval().requires_grad_(False)
    return Backbone(network, preprocessing(own, given))


def device_of(name: str) -> torch.device:
    """Return a device by name; ``auto`` is the first GPU, else the CPU.

    Raises:
        ConfigError: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(1, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"--device {name}: not on this machine, or not in this build of torch; use cpu") from error


def require_file(weights: str) -> str:
    """Return the path of a file of weights.

    Raises:
        ConfigError: there is no such file.
    """
    if not Path(weights).is_file():
        raise ConfigError(f"--weights: expected a file, found none at {weights}")
    return weights


def _timm(timm: Any, name: str, weights: str | None, size: int | None) -> tuple[nn.Module, Own]:
    file = {} if weights is None else {"pretrained_cfg_overlay": {"file": require_file(weights)}}
    if weights is not None and name.startswith(("hf-hub:", "hf_hub:", "local-dir:")):
        raise ConfigError(f"--weights: timm:{name} has weights of its own; leave the option out, or name a model")
    network = timm.create_model(name, pretrained=True, num_classes=0, **file)
    own: dict[str, Any] = timm.data.resolve_model_data_config(network)
    if size is not None and hasattr(network, "set_input_size"):  # transformers, whose positions are interpolated
        network.set_input_size(img_size=(size, size))
    fit = MODES.get(own["crop_mode"], own["crop_mode"])
    return network, own | {"size": own["input_size"][1:], "share": own["crop_pct"], "fit": fit}


def _open_clip(open_clip: Any, name: str, weights: str | None, size: int | None) -> tuple[nn.Module, Own]:
    network = clip(open_clip, name, weights, size)
    own: dict[str, Any] = network.visual.preprocess_cfg
    fit = MODES.get(own["resize_mode"], own["resize_mode"])
    return ImageTower(network), own | {"share": 1.0, "fit": fit}


def clip(open_clip: Any, name: str, weights: str | None, size: int | None = None) -> Any:
    """Return a model of open_clip with both towers, on the CPU.

    Raises:
        ConfigError: the name is not known; it comes without weights, or with weights that are neither one of its tags
            nor a file, or that were trained with another activation.
    """
    if name.startswith(("hf-hub:", "local-dir:")):
        if weights is not None:
            raise ConfigError(f"--weights: open_clip:{name} has weights of its own; leave the option out")
    else:
        check_clip(open_clip, name.replace("/", "-"), weights)
    return open_clip.create_model(name, pretrained=weights, force_image_size=size, require_pretrained=True)


def check_clip(open_clip: Any, name: str, weights: str | None) -> None:
    """Check a model of open_clip's list and its weights before these are fetched."""
    model = open_clip.get_model_config(name)
    if model is None:
        raise ConfigError(f"open_clip:{name}: no such model; open_clip.list_models() lists them")
    tags = open_clip.list_pretrained_tags_by_model(name)
    if weights is None:
        raise ConfigError(f"--weights: open_clip:{name} needs a file or one of: {', '.join(tags) or 'none is known'}")
    if weights not in tags:
        require_file(weights)
    elif model.get("quick_gelu", False) != open_clip.get_pretrained_cfg(name, weights).get("quick_gelu", False):
        # open_clip only warns, and computes other features than the weights were trained for.
        other = name.removesuffix("-quickgelu") if model.get("quick_gelu", False) else f"{name}-quickgelu"
        raise ConfigError(
            f"--weights: {weights} was trained with another activation than open_clip:{name} has; use open_clip:{other}"
        )


class ImageTower(nn.Module):
    """The image tower of a CLIP: features in the space that it shares with texts, not scaled to unit length."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network.visual
        self.encode = network.encode_image

    def forward(self, pixels: Tensor) -> Tensor:
        """Return (B, D) features of (B, 3, S, S) pixels."""
        return self.encode(pixels)  # type: ignore[no-any-return]
