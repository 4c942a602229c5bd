"""Lets a shell complete the arguments of the commands that argparse reads, through argcomplete."""

from __future__ import annotations

import argparse
import os


def completing(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the parser; if a shell asks, answer it and leave.

    Nothing of it is imported otherwise. The shell is told by ``register-python-argcomplete zsl-report`` and so on.
    """
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
    return parser
