"""Compares the golden runs with their records, or writes those of this processor: `python -m tests.golden [write]`."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path

import torch

from tests.golden.record import BITS, deviations, known, perform, processor
from tests.golden.runs import RUNS


def main() -> int:
    """Return 0 if every run agrees with its record, or was written; 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("action", nargs="?", choices=("check", "write"), default="check")
    parser.add_argument("--only", nargs="+", choices=tuple(RUNS), default=list(RUNS), help="runs to check")
    options = parser.parse_args()
    if options.action == "write" and options.only != list(RUNS):
        parser.error("all runs are written together")
    torch.set_num_threads(1)
    records = {name: _performed(name) for name in options.only}
    if options.action == "write":
        return _write(records)
    found = {name: deviations(name, record) for name, record in records.items()}
    for name in found:
        print(f"{name:<28}{'; '.join(found[name]) or 'equal'}")
    if processor() not in known():
        print(f"this processor ({processor()}) has no records: compared to 1e-6 with those of others")
    return int(any(found.values()))


def _performed(name: str) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        return perform(name, Path(folder))


def _write(records: dict[str, dict[str, object]]) -> int:
    """Write the records to a file of this processor's, or add the processor to a file that holds the same."""
    here = processor()
    for file in sorted(BITS.glob("*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        if here in content["processors"]:
            content["processors"].remove(here)
            file.unlink() if not content["processors"] else _save(file, content)
    for file in sorted(BITS.glob("*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["runs"] == records:
            content["processors"].append(here)
            _save(file, content)
            print(f"{file}: holds for {here}, too")
            return 0
    file = BITS / f"{here.replace(' ', '_')}.json"
    _save(file, {"processors": [here], "runs": records})
    print(f"{file}: written")
    return 0


def _save(file: Path, content: dict[str, object]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
