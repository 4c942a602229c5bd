"""Commands as text that works when it is pasted into a shell: a value passes Hydra's grammar, then the shell's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

_BARE = re.compile(r"[\w./+-]*/[\w./+-]*|(?!(?:null|true|false|nan|inf)$)[a-z_][\w-]*", re.ASCII | re.IGNORECASE)
"""What means itself without quotes: what has a slash in it, so that it is neither a number nor null; a plain word."""


def quoted(text: str) -> str:
    """Return text as one value of Hydra's grammar that means this text and nothing else.

    >>> quoted("a, b")
    "'a, b'"
    """
    literal = re.sub(r"(\\*)\$\{", lambda found: f"{found[1] * 2}\\${{", text)
    return expression(literal)


def expression(text: str) -> str:
    """Return text as one value of Hydra's grammar; interpolations in it stay what they are."""
    from hydra.core.override_parser.types import Quote, QuotedString  # tables print no such text and start at once

    written: str = QuotedString(text, Quote.single).with_quotes()
    return written


def setting(key: str, text: str) -> str:
    """Return ``key=value`` with quotes where Hydra's grammar needs them.

    >>> setting("resume", "outputs/a"), setting("resume", "a,b/c"), setting("dataset.name", "null")
    ('resume=outputs/a', "resume='a,b/c'", "dataset.name='null'")
    """
    return f"{key}={text if _BARE.fullmatch(text) else quoted(text)}"


def meant(value: object) -> str:
    """Return the text that a value stands for, once OmegaConf has read it; the inverse of `quoted`.

    >>> meant("a, b"), meant(3)
    ('a, b', '3')
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        return str(OmegaConf.create([value])[0])
    except OmegaConfBaseException:
        return str(value)


def written(value: Any) -> str:
    """Return a value as configuration files and the command line have it.

    >>> written(None), written(True), written([8, None, "tune"]), written(0.5)
    ('null', 'true', '[8, null, tune]', '0.5')
    """
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(written(entry) for entry in value)}]"
    return str(value)


def place(path: Path) -> str:
    """Return a path as an argument: one that begins with ``~`` or ``-`` would be taken for something else.

    >>> place(Path("~x/run")), place(Path("/a b"))
    ('./~x/run', '/a b')
    """
    return f"./{path}" if str(path).startswith(("~", "-")) else str(path)


def line(*arguments: str) -> str:
    """Return a command line for a shell."""
    return shlex.join(arguments)


def again(directory: Path) -> str:
    """Return the command that goes on with a run."""
    return line("zsl-run", setting("resume", place(directory)))


def anew(directory: Path, *overrides: str) -> str:
    """Return the command that starts a new run with the configuration of an old one, and what is to be different."""
    return line("zsl-run", "--config-path", str(directory.resolve()), "--config-name", "config", *overrides)


def restoration(directory: Path) -> str:
    """Return the command that writes a run's configuration anew."""
    return line("python", "-m", "zsl_runner.runs.restore", place(directory))
