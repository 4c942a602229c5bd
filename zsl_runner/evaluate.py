"""``zsl-eval``: score the newest checkpoint of a finished or stopped run."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

from zsl_runner.console import frame
from zsl_runner.console.completion import completing
from zsl_runner.console.failures import expected
from zsl_runner.console.terminal import require_printed
from zsl_runner.errors import RunError
from zsl_runner.files.writing import remove_leftovers, write_text

DESCRIPTION = """Score the newest checkpoint of a run with the run's own evaluation protocol.

A run that reached its final stage or finished its fit stage is scored on the test rows, one that was stopped in its
tune or fit stage on the validation rows. The metrics are printed and kept in RUN/evaluations/; the run itself is not
changed."""

EXAMPLES = """examples:
  zsl-eval outputs/sgal/digits/seed-0
  zsl-eval outputs/sgal/cub/seed-0 --device cuda --json"""


def parser() -> argparse.ArgumentParser:
    """Return the command's argument parser."""
    arguments = argparse.ArgumentParser(
        prog="zsl-eval", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("run", type=Path, metavar="RUN", help="directory of the run")
    arguments.add_argument("--device", default="auto", help="auto (default), cpu, cuda or cuda:N")
    arguments.add_argument("--batch-size", type=int, metavar="N", help="rows scored at a time; default: the run's")
    arguments.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return arguments


def evaluate(directory: Path, device: str = "auto", batch_size: int | None = None) -> dict[str, Any]:
    """Score the newest checkpoint of the run in ``directory``.

    Args:
        directory: the run's directory.
        device: where to compute.
        batch_size: rows scored at a time; None takes the run's.

    Returns:
        ``metrics`` by tag, in per cent unless ``quantities`` says otherwise (by name without prefix), ``tables`` by
        name, ``warnings``, and what they belong to: ``run``, ``checkpoint_step``, ``stage``, ``steps_done``,
        ``complete`` (whether the stage was finished), ``data`` (with checksums).

    Raises:
        RunError: the run, its checkpoints or its data cannot be used.
    """
    from zsl_runner.evaluation.base import measured
    from zsl_runner.runs.opened import open_run  # torch is imported only when something is scored

    run = open_run(directory, device, batch_size)
    measurement = measured(run.evaluator, run.stage, run.model, run.fold, run.choices)
    return {
        "run": str(run.directory),
        "checkpoint_step": run.step,
        "stage": run.stage,
        "steps_done": run.steps_done,
        "complete": run.complete,
        "data": run.data,
        "metrics": {tag: value for tag, value in measurement.metrics.items() if tag not in measurement.undefined},
        "tables": {name: table.plain() for name, table in measurement.tables.items()},
        "warnings": measurement.warnings(),
        "quantities": {name: asdict(quantity) for name, quantity in run.config.evaluator.quantities.items()},
    }


def keep(directory: Path, scores: dict[str, Any]) -> Path:
    """Write ``scores`` to a new file in ``directory/evaluations`` and return its path; nothing is overwritten.

    Raises:
        RunError: the file cannot be written, e.g. on a full or read-only disk.
    """
    folder = directory / "evaluations"
    try:
        folder.mkdir(exist_ok=True)
        remove_leftovers(folder)
        for repeat in count(1):
            path = folder / f"step-{scores['checkpoint_step']:09d}{'' if repeat == 1 else f'.{repeat}'}.json"
            try:
                path.touch(exist_ok=False)  # the name is ours
            except FileExistsError:
                continue
            break
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {error.strerror or error}") from error
    try:
        write_text(path, json.dumps(scores, indent=2))
    except RunError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return path


def table(scores: dict[str, Any]) -> str:
    """Return the scores as aligned text, with one decimal more than tables over runs have."""
    from zsl_runner.config.quantities import quantity_of

    state = "finished" if scores["complete"] else f"stopped after {scores['steps_done']} steps"
    rows = []
    for tag, value in scores["metrics"].items():
        quantity = quantity_of(tag, scores["quantities"])
        unit = "%" if quantity.unit == "per cent" else quantity.unit
        rows.append((tag, f"{value:.{quantity.digits + 1}f}", unit))
    width = max([12, *(len(tag) for tag, _, _ in rows)])
    digits = max([6, *(len(value) for _, value, _ in rows)])
    lines = [f"  {tag:<{width}} {value:>{digits}} {unit}" for tag, value, unit in rows]
    lines += [f"  warning: {warning}" for warning in scores.get("warnings", ())]
    return "\n".join([scores["run"], f"{scores['stage']} stage, {state}", *lines])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``zsl-eval`` and return its exit code."""
    return frame.run("zsl-eval", lambda: _work(arguments))


def _work(arguments: Sequence[str] | None) -> int:
    options = completing(parser()).parse_args(arguments)
    if options.batch_size is not None and options.batch_size < 1:
        parser().error(f"--batch-size: expected a number of rows, found {options.batch_size}")
    scores = evaluate(options.run, options.device, options.batch_size)
    print(json.dumps(scores, indent=2) if options.json else table(scores))
    require_printed()
    try:
        path = keep(options.run, scores)
    except (OSError, RunError) as error:  # what was asked for has been printed
        print(f"zsl-eval: the scores are not kept: {expected(error)}", file=sys.stderr)
    else:
        if not options.json:
            print(f"kept in {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
