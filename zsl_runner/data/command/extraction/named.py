"""From what ``--backbone`` or ``--encoder`` names to code: packages of the extra, or a function of the user's."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from zsl_runner.errors import ConfigError, RunError

EXTRA = "pip install 'zsl-run[extract]'"


def split(option: str, text: str, known: tuple[str, ...]) -> tuple[str, str]:
    """Return what stands before and after the first colon.

    Raises:
        ConfigError: there is no colon, or nothing on one side of it.
    """
    source, _, name = text.partition(":")
    if not source or not name:
        forms = ", ".join(f"{word}:NAME" for word in known)
        raise ConfigError(f"{option}: expected {forms} or package.module:function, found {text!r}")
    return source, name


def package(option: str, name: str) -> Any:
    """Import a package of the extra.

    Raises:
        ConfigError: it is not installed, or cannot be imported here.
    """
    try:
        return importlib.import_module(name)
    except Exception as error:  # compiled parts that do not fit the build of torch raise anything
        if isinstance(error, ModuleNotFoundError) and error.name == name:
            raise ConfigError(f"{option}: needs the package {name}, which is not installed: {EXTRA}") from error
        raise ConfigError(
            f"{option}: the package {name} cannot be imported: {brief(error)}; install it together with a build of "
            f"torch that fits, in an environment of its own: {EXTRA}"
        ) from error


def function(option: str, text: str) -> Callable[..., Any]:
    """Import what ``package.module:function`` names; modules in the current folder are found, too.

    Raises:
        ConfigError: there is no such module or function.
    """
    module, _, name = text.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # a module of the user's can raise anything
        raise ConfigError(f"{option}: {text} cannot be imported: {brief(error)}") from error
    if not callable(found):
        raise ConfigError(f"{option}: expected {text} to be a function, found {type(found).__name__}")
    return found  # type: ignore[no-any-return]


@contextmanager
def building(option: str, text: str) -> Iterator[None]:
    """Say of every failure inside the block what could not be built.

    Raises:
        ConfigError: anything was raised.
    """
    try:
        yield
    except (RunError, MemoryError):
        raise
    except Exception as error:  # foreign code: an unknown name, no network, weights of another network
        raise ConfigError(f"{option}: {text} cannot be built: {brief(error)}") from error


def brief(error: Exception) -> str:
    """Return type and message of an error in one line of bearable length."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:400]}{'...' if len(words) > 400 else ''}".rstrip(": ")
