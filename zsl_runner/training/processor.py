"""Which processor computes, as far as the bits of a result and the time it takes depend on it."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import torch

LISTING = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Processor:
    """A processor.

    Attributes:
        name: as the system gives it, e.g. ``AMD EPYC``.
        architecture: e.g. ``x86_64``.
        model: maker, family and model as numbers, as far as the system tells; a name may stand for several.
        instructions: the widest vector instructions that torch uses of it, e.g. ``AVX2``.
    """

    name: str
    architecture: str
    model: tuple[str, ...]
    instructions: str

    @classmethod
    def here(cls, listing: Path = LISTING) -> Processor:
        """Return the one that computes here.

        Args:
            listing: what Linux tells of it. Without it only name and architecture are known, and instructions.
        """
        facts: dict[str, str] = {}
        if listing.is_file():
            with listing.open(encoding="utf-8", errors="replace") as lines:
                for line in takewhile(str.strip, lines):  # the first one's; machines list hundreds, each after a blank
                    key, _, value = line.partition(":")
                    facts[key.strip()] = value.strip()
        architecture = platform.machine()
        return cls(
            name=facts.get("model name") or platform.processor() or architecture,
            architecture=architecture,
            model=tuple(facts[key] for key in ("vendor_id", "cpu family", "model") if facts.get(key)),
            instructions=torch.backends.cpu.get_cpu_capability(),
        )

    @property
    def identity(self) -> str:
        """What bits may depend on, in words: architecture, maker, family, model, instructions."""
        return " ".join((self.architecture, *self.model, self.instructions))

    def __str__(self) -> str:
        return f"{self.name} ({self.identity})"
