"""Labels of runs and of their parts, which name directories: which text is one, and one made of another text."""

from __future__ import annotations

import re
from typing import Final

RULE: Final = "begin with a letter or digit, and use letters, digits and . _ - + = , @ (blanks between them)"
_LABEL: Final = re.compile(r"[^\W_]([\w.,+=@ -]*[\w.,+=@-])?")
_NAMELESS: Final = "data"


def is_label(text: str) -> bool:
    """Tell whether a text can be a label."""
    return _LABEL.fullmatch(text) is not None


def label_of(name: str) -> str:
    """Return a label like the name of a folder: the name itself if it is one.

    >>> label_of("my birds"), label_of("_birds"), label_of("birds (2)"), label_of("...")
    ('my birds', 'birds', 'birds _2_', 'data')
    """
    if is_label(name):
        return name
    return re.sub(r"^[\W_]+| +$", "", re.sub(r"[^\w.,+=@ -]", "_", name)) or _NAMELESS
