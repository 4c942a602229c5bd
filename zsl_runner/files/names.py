"""How names are compared, shown, read from text files and made into labels: in one Unicode form, without marks.

A file system may keep the letter é as one character or as e and an accent, and a text file may begin with a mark that
nobody sees; both name the same thing. Never imports torch.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from zsl_runner.errors import DataError

MARK: Final = "\ufeff"
WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
LABEL_RULE: Final = "begin with a letter or digit, and use letters, digits and . _ - + = , @ (blanks between them)"
_LABEL: Final = re.compile(r"[^\W_]([\w.,+=@ -]*[\w.,+=@-])?")
_NAMELESS: Final = "data"


def normal(name: str) -> str:
    r"""Return a name in the form in which names are compared (Unicode NFC).

    >>> normal("e\u0301") == "\u00e9"
    True
    """
    return unicodedata.normalize("NFC", name)


def beginning(name: str, most: int) -> str:
    r"""Return as many letters of a name as make ``most`` bytes of a file's name; all of them if that is enough.

    >>> beginning("birds", 5), beginning("birds", 4), beginning("\u00e9t\u00e9", 4) == "\u00e9t"
    ('birds', 'bird', True)
    """
    encoded = name.encode("utf-8", "surrogateescape")
    return name if len(encoded) <= most else encoded[:most].decode(errors="ignore")


def some(names: Iterable[str]) -> str:
    """Return the first five names, and how many there are beside them.

    >>> some("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    shown = list(names)
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")


def verbatim(text: str) -> str:
    r"""Return a text as matplotlib draws it letter by letter; between two dollars it sets formulas.

    >>> verbatim("$5 and $10")
    '\\$5 and \\$10'
    """
    return text.replace("$", r"\$")


def alike(names: Iterable[str]) -> list[str]:
    """Return the names that another one equals but for the case of letters, side by side.

    >>> alike(["cat", "dog", "Cat"])
    ['Cat', 'cat']
    """
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(name.casefold(), []).append(name)
    return [name for group in found.values() if len(group) > 1 for name in group]


def other_case(names: Iterable[str], known: Iterable[str]) -> str:
    """Return a hint at the known names that equal one of ``names`` but for the case of letters; empty if none does.

    >>> other_case(["Cat", "cow"], ["cat", "dog"])
    '; the case of letters counts: there is cat'
    """
    wanted = {name.casefold() for name in names}
    found = [name for name in known if name.casefold() in wanted]
    return f"; the case of letters counts: there is {some(found)}" if found else ""


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that are there more than once.

    >>> repeated(["cat", "dog", "cat"])
    ['cat']
    """
    return [name for name, count in Counter(names).items() if count > 1]


def misnamed(chosen: Sequence[str], known: Iterable[str], expected: str) -> str:
    """Return what is wrong with a choice among known classes: an unknown or repeated one, or none; else nothing.

    >>> misnamed(["cat", "cow"], ["cat", "dog"], "names of classes")
    'expected names of classes, found cow; the classes are cat, dog'
    """
    known = dict.fromkeys(known)
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen:
        return (
            f"expected {expected}, found {some(unknown) or 'none'}{other_case(unknown, known)}; "
            f"the classes are {some(known)}"
        )
    again = repeated(chosen)
    return f"expected each class once, found {some(again)} more often" if again else ""


def read_text(path: Path, content: str, *, errors: str = "strict") -> str:
    """Return the content of a UTF-8 text file without byte order mark, each line ended by a single line feed.

    Args:
        path: the file.
        content: what it should hold, for messages, e.g. ``names``.
        errors: what to do with bytes that are no UTF-8, as in `bytes.decode`; ``replace`` where only digits matter.

    Raises:
        DataError: the file cannot be read or is no UTF-8 text.
    """
    what = f"{path}: cannot be read as a text file of {content}"
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{what}: {error.strerror or error}") from error
    if raw.startswith(WIDE) or b"\0" in raw:
        raise DataError(f"{what}: expected UTF-8, found UTF-16 or no text at all; save it as UTF-8")
    try:
        text = raw.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{what}: expected UTF-8, found the byte {raw[error.start]:#04x} in line {line}; save it as UTF-8"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_names(path: Path, content: str) -> list[str]:
    """Return the names in a text file, one in each line, in the form of `normal`; empty lines are left out.

    Raises:
        DataError: see `read_text`.
    """
    lines = map(_cleaned, read_text(path, content).split("\n"))
    return [line for line in lines if line]


def read_rows(path: Path, content: str) -> list[list[str]]:
    """Return the rows of a table with commas between its cells, each cell as a name; empty lines are left out.

    A cell in quotation marks may hold commas and line breaks.

    Raises:
        DataError: see `read_text`; or a quotation mark is left open, or a cell far too long.
    """
    try:
        reader = csv.reader(io.StringIO(read_text(path, content), newline=""), strict=True)
        rows = [[_cleaned(cell) for cell in row] for row in reader]
    except csv.Error as error:
        raise DataError(f"{path}: expected {content} with commas between, found no such table: {error}") from error
    return [row for row in rows if row not in ([], [""])]


def _cleaned(name: str) -> str:
    # Files that were joined have a byte order mark in their middle, too.
    return normal(name.strip().strip(MARK).strip())


def is_label(text: str) -> bool:
    """Tell whether a text can be a label, which names a directory of runs; `LABEL_RULE` says it in words."""
    return _LABEL.fullmatch(text) is not None


def label_of(name: str) -> str:
    """Return a label like the name of a folder: the name itself if it is one.

    >>> label_of("my birds"), label_of("_birds"), label_of("birds (2)"), label_of("...")
    ('my birds', 'birds', 'birds _2_', 'data')
    """
    if is_label(name):
        return name
    return re.sub(r"^[\W_]+| +$", "", re.sub(r"[^\w.,+=@ -]", "_", name)) or _NAMELESS
