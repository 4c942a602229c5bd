"""Class vectors from texts: by a sentence encoder, by the text tower of a CLIP, or by a function of the user's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_runner.data.command.extraction.backbones import clip
from zsl_runner.data.command.extraction.named import brief, building, function, package, split
from zsl_runner.errors import ConfigError, DataError, RunError

OPTION: Final = "--encoder"
KNOWN: Final = ("sentence", "open_clip")
BATCH: Final = 64
Encoder = Callable[[list[str]], Any]
"""From B texts to (B, A) numbers."""


def build(text: str, weights: str | None, device: torch.device) -> Encoder:
    """Return an encoder.

    Args:
        text: ``sentence:NAME`` of sentence-transformers, on a hub or in a folder, ``open_clip:NAME`` or
            ``package.module:function``, which returns one.
        weights: see `zsl_runner.data.command.extraction.backbones.build`.
        device: where it computes; a function of the user's decides by itself.

    Raises:
        ConfigError: it is not known, cannot be built or has no weights.
    """
    source, name = split(OPTION, text, KNOWN)
    if source == "sentence":
        if weights is not None:
            raise ConfigError(f"--weights: {text} has weights of its own; leave the option out")
        library = package(OPTION, "sentence_transformers")
        with building(OPTION, text):
            model = library.SentenceTransformer(name, device=str(device))
        return lambda texts: model.encode(texts, batch_size=BATCH, show_progress_bar=False)
    if source == "open_clip":
        library = package(OPTION, "open_clip")
        with building(OPTION, text):
            network = clip(library, name, weights).eval().to(device)
            tokenize = library.get_tokenizer(name)
        return lambda texts: network.encode_text(tokenize(texts).to(device))
    builder = function(OPTION, text)
    with building(OPTION, text):
        encoder = builder() if weights is None else builder(weights)
    if not callable(encoder):
        raise ConfigError(f"{OPTION}: expected {text} to return a function of texts, found {type(encoder).__name__}")
    return encoder  # type: ignore[no-any-return]


def class_vectors(encode: Encoder, texts: Mapping[str, Sequence[str]]) -> NDArray[np.float32]:
    r"""Return a vector of unit length for each class: ``a_c = m_c / |m_c|``, ``m_c = mean_t e(t) / |e(t)|``.

    Args:
        encode: e, which turns B texts into (B, A) numbers.
        texts: the texts t of each class c.

    Returns:
        (C, A) in the order of the classes.

    Raises:
        DataError: the encoder fails, gives something else than a row for each text, or a row that is zero or not
            finite.
    """
    flat = [text for several in texts.values() for text in several]
    found = np.concatenate([_encoded(encode, flat[start : start + BATCH]) for start in range(0, len(flat), BATCH)])
    bounds = np.cumsum([0, *map(len, texts.values())]).tolist()
    means = np.stack([_unit(found[first:end], flat[first:end]).mean(axis=0) for first, end in pairwise(bounds)])
    return _unit(means, list(texts)).astype(np.float32)


@torch.inference_mode()
def _encoded(encode: Encoder, texts: list[str]) -> NDArray[np.float64]:
    try:
        rows = encode(texts)
        found = np.asarray(rows.float().cpu() if isinstance(rows, Tensor) else rows, dtype=np.float64)
    except (RunError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # foreign code
        raise DataError(f"{OPTION}: fails on the text {texts[0]!r} and those after it: {brief(error)}") from error
    if found.ndim != 2 or len(found) != len(texts):
        raise DataError(
            f"{OPTION}: expected {len(texts)} rows of numbers, one for each text, found shape {found.shape}"
        )
    return found


def _unit(rows: NDArray[np.float64], words: Sequence[str]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    wrong = np.flatnonzero(~np.isfinite(lengths[:, 0]) | (lengths[:, 0] == 0))
    if len(wrong):
        raise DataError(f"{OPTION}: gives no vector for {words[wrong[0]]!r}: its length is {lengths[wrong[0], 0]:g}")
    scaled: NDArray[np.float64] = rows / lengths
    return scaled
