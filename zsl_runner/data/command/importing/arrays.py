"""Reads arrays and lists of text by their names from .npy, .npz, .pt, .h5, .csv, .mat and .txt files; runs no code."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from zsl_runner.config.places import require_there
from zsl_runner.data.command.importing.table import read_table
from zsl_runner.data.sources.xlsa17.matlab import Foreign, Value, foreign, in_words, read_variables, variable_names
from zsl_runner.errors import ConfigError, DataError
from zsl_runner.files.folders import expanded
from zsl_runner.files.names import normal, read_names, some
from zsl_runner.files.reading import readable

PICKLED: Final = "Python objects, which are not loaded because that would run code of theirs"
HALF_A_CHARACTER: Final = re.compile("[\ud800-\udfff]")
"""What Python makes of bytes in names of files that are no UTF-8."""


@dataclass(frozen=True)
class Found:
    """A variable of a file.

    Attributes:
        origin: file and variable, for messages.
        value: numbers as an array, text as a tuple.
    """

    origin: str
    value: NDArray[Any] | tuple[str, ...]

    def words(self) -> str:
        """Return what it is, for the table of what was understood."""
        if isinstance(self.value, tuple):
            return f"{self.origin}, {len(self.value):,} names"
        return f"{self.origin}, {' x '.join(f'{size:,}' for size in self.value.shape)} {self.value.dtype}"


class Files:
    """The files that are imported, each read once."""

    def __init__(self) -> None:
        self._read: dict[Path, Mapping[str, Value]] = {}

    def paths(self) -> list[Path]:
        """Return the files read so far."""
        return list(self._read)

    def variable(self, argument: str, role: str, names: Sequence[str]) -> Found:
        """Return the variable that an argument ``FILE`` or ``FILE:VARIABLE`` means.

        Without a variable it is the first of ``names`` that the file holds, or the only one in it.

        Raises:
            ConfigError: there is no such file, it is of no kind that is read, or does not hold the variable.
            DataError: the file cannot be read.
        """
        path, chosen = _place(argument)
        variables = self._variables(path)
        name = chosen or next((name for name in names if name in variables), None)
        if name is None and len(variables) == 1:
            (name,) = variables
        if name is None or name not in variables:
            listed = some(variables) if variables else "nothing"
            wanted = chosen or " or ".join(names[:2])
            raise ConfigError(f"{path}: expected {role} as {wanted}, found {listed}; name one with {path}:NAME")
        return _usable(path, name, variables[name])

    def beside(self, argument: str, names: Sequence[str]) -> Found | None:
        """Return the first of ``names`` that lies in the same file as an argument's variable; None if none does."""
        path, _ = _place(argument)
        variables = self._variables(path)
        return next((_usable(path, name, variables[name]) for name in names if name in variables), None)

    def _variables(self, path: Path) -> Mapping[str, Value]:
        if path not in self._read:
            reader = READERS.get(path.suffix.lower())
            if reader is None:
                raise ConfigError(f"{path}: expected a file that ends in {', '.join(READERS)}, found {path.name}")
            require_there(path, "file")
            with readable(path, f"a {path.suffix} file"):
                self._read[path] = reader(path)
        return self._read[path]


def _place(argument: str) -> tuple[Path, str | None]:
    path, _, name = argument.rpartition(":")
    if path and not expanded(argument).exists() and expanded(path).is_file():
        return expanded(path), name
    return expanded(argument), None


def _usable(path: Path, name: str, value: Value) -> Found:
    origin = f"{path}: {name}" if name else str(path)
    if isinstance(value, Foreign):
        raise DataError(f"{origin}: expected numbers or text, found {in_words(value)}")
    if isinstance(value, tuple):
        if broken := next(filter(HALF_A_CHARACTER.search, value), None):
            raise DataError(
                f"{origin}: expected text, found {broken!a}, which no text file can hold; it is the name of a file or "
                "folder that is no UTF-8: rename that, and write these names anew"
            )
        return Found(origin, tuple(normal(text.strip()) for text in value))
    return Found(origin, value)


def _value(array: NDArray[Any]) -> Value:
    if array.dtype.kind in "SUT":
        return _text(array)
    return Foreign(PICKLED) if array.dtype.hasobject else array


def _text(array: NDArray[Any]) -> Value:
    """Return a list of text or of its UTF-8 bytes, which may be a column."""
    if array.size != max(array.shape, default=1):
        size = " x ".join(map(str, array.shape))
        return Foreign(f"a table of text, {size}; save numbers as numbers, and names as a list")
    try:
        return tuple(text.decode() if isinstance(text, bytes) else str(text) for text in array.ravel().tolist())
    except UnicodeDecodeError as error:
        return Foreign(f"bytes that are no UTF-8 text, such as {error.object!r}; save them as UTF-8")


def _npy(path: Path) -> dict[str, Value]:
    with path.open("rb") as stream:
        return {"": _unpickled(lambda: np.lib.format.read_array(stream, allow_pickle=False))}


def _npz(path: Path) -> dict[str, Value]:
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as content:  # NumPy leaves damaged files open
        return {name: _unpickled(lambda name=name: content[name]) for name in content.files}  # type: ignore[misc]


def _unpickled(read: Callable[[], NDArray[Any]]) -> Value:
    try:
        found = read()
        return _value(found) if isinstance(found, np.ndarray) else Foreign("a file in the archive that is no array")
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        return Foreign(f"{PICKLED}; text is saved as np.asarray(names, dtype=str)")


def _torch(path: Path) -> dict[str, Value]:
    import torch  # takes a second, and only these files need it

    def value(member: Any) -> Value:
        if isinstance(member, torch.Tensor):
            if member.layout != torch.strided or member.is_quantized:
                return Foreign("a sparse or quantized tensor; save it with .to_dense() or .dequantize()")
            plain = member.detach().resolve_conj().resolve_neg()
            return np.asarray((plain.float() if plain.dtype == torch.bfloat16 else plain).numpy())
        if isinstance(member, (list, tuple)) and all(isinstance(item, str) for item in member):
            return tuple(member)
        if isinstance(member, (list, tuple)) and all(isinstance(item, (int, float)) for item in member):
            return np.asarray(member)
        return Foreign(f"an object of type {type(member).__name__}")

    try:
        with warnings.catch_warnings(action="ignore"):  # of unusual pickles, which are refused or read
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DataError(f"{path}: expected tensors alone, found {PICKLED}; save a dict of tensors") from error
    members = content if isinstance(content, dict) else {"": content}
    return {str(name): value(member) for name, member in members.items()}


def _hdf5(path: Path) -> dict[str, Value]:
    found: dict[str, Value] = {}
    with h5py.File(path, "r", locking=False) as file:

        def keep(name: str, item: h5py.Dataset | h5py.Group) -> None:  # links out of the file are not visited
            if isinstance(item, h5py.Dataset):
                is_text = h5py.check_string_dtype(item.dtype) is not None
                kept = foreign(file, item) or (None if item.shape is not None else Foreign("an empty dataset"))
                found[name] = kept or (_text if is_text else _value)(np.asarray(item[()]))

        file.visititems(keep)
    return found


def _mat(path: Path) -> dict[str, Value]:
    return read_variables(path, variable_names(path))


def _txt(path: Path) -> dict[str, Value]:
    return {"": tuple(read_names(path, "names"))}


READERS: Final[Mapping[str, Callable[[Path], Mapping[str, Value]]]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".pt": _torch,
    ".pth": _torch,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".csv": read_table,
    ".mat": _mat,
    ".txt": _txt,
}
