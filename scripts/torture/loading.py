"""Loads a data set in a child and hands back its arrays, or the message of its refusal."""

from __future__ import annotations

import dataclasses
import pickle
import traceback
from dataclasses import dataclass
from typing import Any

import numpy as np

from scripts.torture.children import Place
from scripts.torture.verdict import Found

NOT_CONTENT = ("provenance", "name")


@dataclass(frozen=True)
class Loaded:
    """What loading led to.

    Attributes:
        values: the records' fields but for their origin; None if they were refused.
        refusal: the message of the refusal.
    """

    values: dict[str, Any] | None
    refusal: str = ""


def loaded(place: Place, name: str, *options: str) -> Loaded:
    """Load ``dataset=NAME`` with options as `zsl-data` does.

    Raises:
        Found: an exception came through that is no message to the user, or the process died.
    """
    file = place.folder / "loaded.pickle"
    file.unlink(missing_ok=True)

    def load_and_tell() -> None:
        from zsl_runner.data.command.chosen import chosen
        from zsl_runner.data.load import load
        from zsl_runner.errors import RunError

        try:
            records = load(chosen(name, options))
            found: object = {
                entry.name: getattr(records, entry.name)
                for entry in dataclasses.fields(records)  # type: ignore[arg-type]
                if entry.name not in NOT_CONTENT
            }
        except RunError as error:
            found = str(error)
        except BaseException as error:
            traceback.print_exc()
            found = error.__class__
        file.write_bytes(pickle.dumps(found))

    done = place.call(f"load {name} {' '.join(options)}", load_and_tell)
    if not file.exists():
        raise Found("traceback", f"loading {name} {options}: exit {done.code}: {done.text[-300:]}")
    found = pickle.loads(file.read_bytes())
    if isinstance(found, type):
        raise Found("traceback", f"loading {name} {options}: {found.__name__}: {done.text[-300:]}")
    return Loaded(None, found) if isinstance(found, str) else Loaded(found)


def difference(first: dict[str, Any], second: dict[str, Any]) -> str | None:
    """Return the name of the first field in which two records differ; None if they are equal."""
    if first.keys() != second.keys():
        return ", ".join(sorted(first.keys() ^ second.keys()))
    for key, one in first.items():
        other = second[key]
        if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
            if not isinstance(one, np.ndarray) or not isinstance(other, np.ndarray):
                return key
            if one.shape != other.shape or one.dtype != other.dtype or not np.array_equal(one, other, equal_nan=True):
                return key
        elif one != other:
            return key
    return None
