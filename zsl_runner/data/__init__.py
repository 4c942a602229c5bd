"""Data sets: their records by kind, their sources, and the folds and views a training stage may see."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_FORMER, _NOW = "zsl_runner.data.segmentation", "zsl_runner.data.pairs.segmentation"
"""Own packages may import records and options of segmentation data from the place where they were first public."""


class _FormerPlace(MetaPathFinder, Loader):
    """Finds modules under their former names; each is the one module there is."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if f"{fullname}.".startswith(f"{_FORMER}.") else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(spec.name.replace(_FORMER, _NOW, 1))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module, which ran when it was created, its own specification back."""
        assert module.__spec__ is not None  # the import system has set it
        module.__spec__ = module.__spec__.loader_state


sys.meta_path.insert(0, _FormerPlace())
