"""What the commands that argparse reads share: completion by the shell, and kinds of arguments."""

from __future__ import annotations

import argparse
import os


def completing(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the parser; if a shell asks, answer it and leave.

    Nothing of argcomplete is imported otherwise. ``register-python-argcomplete zsl-report`` and so on tell the shell.
    """
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
    return parser


def positive(text: str) -> int:
    """Read a whole number of 1 or more, as ``type`` of an argument.

    >>> positive("3")
    3

    Raises:
        ArgumentTypeError: it is less.
        ValueError: it is no whole number.
    """
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, found {number}")
    return number
