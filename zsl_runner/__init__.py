"""zsl-run: a config-driven experiment runner for generative zero-shot learning."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.2.0"

_API = ("open_run", "read_results", "run")
__all__ = ["__version__", *_API]


def __getattr__(name: str) -> Any:
    """Return a function of `zsl_runner.api`, which is imported at its first use: the package itself stays light."""
    if name in _API:
        return getattr(import_module("zsl_runner.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_API])
