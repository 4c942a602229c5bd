"""``make bench``: measures, prints a table and on request writes JSON."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from scripts.benchmark.machine import load_average, machine
from scripts.benchmark.timing import Effort, Finding
from scripts.benchmark.topics import ON_CUDA, TOPICS
from zsl_runner.console import frame
from zsl_runner.console.terminal import require_printed
from zsl_runner.files.writing import write_text

FULL = Effort(repeats=9, seconds=0.4)
QUICK = Effort(repeats=3, seconds=0.1)
LEGEND = """
Each ratio is that of the medians over interleaved repetitions; in brackets the quartiles of the ratios of neighbours.
CPU seconds count; wall time includes waiting for other processes."""


def parser() -> argparse.ArgumentParser:
    """Return the command's argument parser."""
    arguments = argparse.ArgumentParser(
        prog="benchmark",
        description="Measure speed and memory of zsl-run on one thread, each beside a reference in the same run.",
    )
    arguments.add_argument("--quick", action="store_true", help="fewer and shorter repetitions; numbers are rough")
    arguments.add_argument(
        "--only", metavar="TOPIC", nargs="+", choices=TOPICS, default=list(TOPICS), help=f"some of {', '.join(TOPICS)}"
    )
    arguments.add_argument("--json", metavar="FILE", type=Path, help="also write everything measured to FILE")
    return arguments


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    return frame.run("benchmark", lambda: _measured(arguments))


def _measured(arguments: Sequence[str] | None) -> int:
    options = parser().parse_args(arguments)
    torch.set_num_threads(1)
    effort = QUICK if options.quick else FULL
    about = {**machine(), "threads": "1", "load at start": load_average()}
    print("\n".join(f"{key:<20} {value}" for key, value in about.items()))
    print(LEGEND)
    found: list[Finding] = []
    for topic in options.only:
        print(f"\n{topic}", flush=True)
        if topic in ON_CUDA and not torch.cuda.is_available():
            print(f"  left out: torch {torch.__version__} sees no CUDA device")
            continue
        with tempfile.TemporaryDirectory(prefix="zsl-benchmark-") as folder:
            for finding in TOPICS[topic](effort, Path(folder)):
                found.append(finding)
                print("\n".join(lines(finding)), flush=True)
    about["load at end"] = load_average()
    print(f"\n{'load at end':<20} {about['load at end']}")
    if options.json is not None:
        content = {"machine": about, "findings": [as_plain(finding) for finding in found]}
        write_text(options.json, json.dumps(content, indent=2) + "\n")
    else:
        require_printed()
    return 0


def lines(finding: Finding) -> Iterator[str]:
    """Yield a finding as text."""
    yield f"  {finding.name}, against {finding.reference}"
    for number, (name, quantity) in enumerate(finding.quantities.items()):
        low, high = quantity.spread
        one, other = (_amount(value, quantity.unit) for value in quantity.medians)
        aim = f"  aim {finding.aim:.2f}" if finding.aim is not None and number == 0 else ""
        yield f"    {name:<7} ratio {quantity.ratio:7.3f} [{low:.3f} {high:.3f}]  {one} against {other}{aim}"
    if finding.facts:
        yield "    " + "; ".join(f"{key} {value}" for key, value in finding.facts.items())


def _amount(value: float, unit: str) -> str:
    if unit != "s":
        return f"{value:.0f} {unit}"
    return f"{value:.3f} s" if value >= 1 else f"{1e3 * value:.3f} ms"


def as_plain(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON values."""
    return {
        "topic": finding.topic,
        "name": finding.name,
        "reference": finding.reference,
        "aim": finding.aim,
        "facts": dict(finding.facts),
        "quantities": {
            name: {
                "unit": quantity.unit,
                "ratio": quantity.ratio,
                "quartiles": list(quantity.spread),
                "candidate": list(quantity.candidate),
                "reference": list(quantity.reference),
            }
            for name, quantity in finding.quantities.items()
        },
    }
