"""Values to put where others belong, as they are written on a command line, and the keys that get them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

ODD: Final = (
    "???",
    "null",
    "''",
    "' '",
    "nan",
    "-nan",
    "NaN",
    "inf",
    "-inf",
    "1e400",
    "-1e400",
    "1e38",
    "1e-400",
    "0",
    "-0.0",
    "-1",
    "0.5",
    "1.5",
    "1",
    "2",
    "3",
    "7",
    "64",
    "1000",
    "2147483648",
    "9223372036854775808",
    "1e18",
    "1_000",
    "0x10",
    "010",
    "1e-3",
    "5.0",
    "true",
    "false",
    "yes",
    "off",
    "none",
    "None",
    "[]",
    "[1]",
    "[1,2]",
    "[0.5,0.9]",
    "[-1]",
    "[nan]",
    "[[1]]",
    "[null]",
    "['a']",
    "{}",
    "{a:1}",
    "{a:{b:1}}",
    "auto",
    "AUTO",
    "adam",
    "last",
    "val/H",
    "tune",
    "[tune]",
    "[tune,final]",
    "'é'",
    "日本",
    "'a b'",
    "'a=b'",
    "a/b",
    "../x",
    "~",
    "'1'",
    "1e",
    "--1",
    "1,2",
    "range(1,3)",
    "${seed}",
    "${nothing}",
    "${oc.env:NOTHING}",
    "${",
    "}",
    "[",
    "'",
    '"',
    "\\",
    "a:b",
    "@",
    "2026-01-01",
    "12:30:45",
    "1+1",
    "!!int 3",
    "\u202e1",
    "9" * 400,
    "a" * 5000,
    "[" * 60 + "]" * 60,
    "\u0663",
    "\uff11",
    "1 ",
    " 1",
    "\t1",
    "1\n2",
    "\ufeff1",
    "0b1",
    "1j",
    "+1",
    ".5",
    "5.",
)


def some_key(draw: np.random.Generator, values: Mapping[str, Any]) -> str:
    """Return a key of a configuration whose value may be another."""
    keys = [key for key in values if key not in ("task", "resume", "outputs") and not key.endswith(".kind")]
    return str(keys[draw.integers(len(keys))])


def typo(draw: np.random.Generator, word: str) -> str:
    """Return a word with one letter changed, dropped, doubled or exchanged, or in another case."""
    place = int(draw.integers(len(word)))
    how = int(draw.integers(7))
    if how == 0:
        return word[:place] + word[place + 1 :]
    if how == 1:
        return word[:place] + word[place] + word[place:]
    if how == 2 and len(word) > 1:
        place = min(place, len(word) - 2)
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if how == 3:
        return word.upper()
    if how == 4:
        return word[:place] + "\u00e9" + word[place + 1 :]
    if how == 5:
        return word + "s"
    return word[:place] + chr(97 + int(draw.integers(26))) + word[place + 1 :]
