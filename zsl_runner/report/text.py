"""Puts names and messages into reports: on one line, and without meaning for Markdown."""

from __future__ import annotations

import re

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
TAG = re.compile(r"<(?=[!/?A-Za-z])")
SPECIAL = re.compile(r"([\\`*|])")


def one_line(text: str) -> str:
    r"""Return a text with a blank for each run of line ends and other control characters.

    >>> one_line("a\r\nb\x00c")
    'a b c'
    """
    return CONTROL.sub(" ", text)


def in_markdown(text: str) -> str:
    r"""Return a text that stands in a cell, heading or list as it is: no column, emphasis, code or tag begins in it.

    >>> in_markdown("a|b `c` <!-- d, n < 5")
    'a\\|b \\`c\\` &lt;!-- d, n < 5'
    """
    return TAG.sub("&lt;", SPECIAL.sub(r"\\\1", one_line(text)))
