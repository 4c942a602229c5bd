"""What a short run left behind, in a form that shows a single changed bit, and on which processor that was."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from tests.golden.runs import QUIET, RUNS
from zsl_runner import train
from zsl_runner.runs.opened import open_run
from zsl_runner.runs.result import Result
from zsl_runner.training.processor import Processor

BITS = Path(__file__).parent / "bits"


def processor() -> str:
    """Return the processor as far as bits may depend on it, and the release of torch."""
    return f"{Processor.here().identity} torch {torch.__version__.partition('+')[0]}"


def perform(
    name: str, folder: Path, within: AbstractContextManager[Any] | None = None, overrides: Sequence[str] = ()
) -> dict[str, Any]:
    """Carry out the run ``name`` in an empty folder and return its record.

    Args:
        name: one of `RUNS`.
        folder: where it goes.
        within: a context for the run itself; what it left behind is read outside.
        overrides: what else it is called with.

    Returns:
        ``trainer`` (its kind), ``test`` (metrics by tag), ``first`` (the earliest values in metrics.csv, loss terms of
        the first step: differences in the last digit have had no time to grow), and the SHA-256 of ``weights`` and of
        ``metrics.csv``.
    """
    arguments, here = sys.argv, Path.cwd()
    os.chdir(folder)
    sys.argv = ["zsl-run", *RUNS[name], *QUIET, *overrides, f"name={name}"]
    try:
        with within or nullcontext():
            code = train.main()
        assert code == 0, f"{name}: exit code {code}"
        (found,) = Path("outputs").glob(f"*/*/{name}")
        run = open_run(found, device="cpu")
    finally:
        sys.argv = arguments
        os.chdir(here)
    table = folder / found / "metrics.csv"
    weights = hashlib.sha256()
    for key, tensor in sorted(run.model.state_dict().items()):
        values = tensor.detach().contiguous()
        weights.update(f"{key} {values.dtype} {tuple(values.shape)}\n".encode())
        weights.update(values.reshape(-1).view(torch.uint8).numpy().tobytes())
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    first = {row["tag"]: float(row["value"]) for row in rows if row["step"] == rows[0]["step"]}
    return {
        "trainer": run.config.trainer.kind,
        "test": Result.load(folder / found).metrics,
        "first": first,
        "weights": weights.hexdigest(),
        "metrics.csv": hashlib.sha256(table.read_bytes()).hexdigest(),
    }


def known() -> dict[str, dict[str, Any]]:
    """Return the runs' records by processor."""
    records: dict[str, dict[str, Any]] = {}
    for file in sorted(BITS.glob("*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        records |= dict.fromkeys(content["processors"], content["runs"])
    return records


def deviations(name: str, record: dict[str, Any]) -> list[str]:
    """Return in words where a record differs from what is on file for this processor; empty if nowhere.

    For a processor that is not on file the earliest values have to agree with those of some other to 1e-6.
    """
    records = known()
    if processor() in records:
        expected = records[processor()][name]
        return [part for part in expected if expected[part] != record[part]]
    firsts = [entry[name]["first"] for entry in records.values() if "first" in entry[name]]
    return min((_far(first, record["first"]) for first in firsts), key=len)


def _far(expected: dict[str, float], found: dict[str, float]) -> list[str]:
    if expected.keys() != found.keys():
        return [f"tags {sorted(expected.keys() ^ found.keys())}"]
    return [
        f"{tag}: {expected[tag]:.9g} on file, {found[tag]:.9g} found"
        for tag in expected
        if not math.isclose(expected[tag], found[tag], rel_tol=1e-6, abs_tol=1e-6)
    ]
