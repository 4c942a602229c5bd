"""The command ``zsl-eval``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zsl_runner.console import frame
from zsl_runner.console.arguments import completing
from zsl_runner.console.failures import expected
from zsl_runner.console.terminal import require_printed
from zsl_runner.errors import CheckpointError, RunError
from zsl_runner.evaluate.arguments import parser, require_consistent, require_places
from zsl_runner.evaluate.assigned import assign
from zsl_runner.evaluate.codes import write_codes
from zsl_runner.evaluate.generated import generate
from zsl_runner.evaluate.masks import write_masks
from zsl_runner.evaluate.samples import write_samples
from zsl_runner.evaluate.scores import evaluate, keep
from zsl_runner.report.scores import MASKS, comparison, table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``zsl-eval`` and return its exit code."""
    return frame.run("zsl-eval", lambda: _work(arguments))


def _work(arguments: Sequence[str] | None) -> int:
    options = completing(parser()).parse_intermixed_args(arguments)
    require_consistent(options)
    require_places(options)
    from zsl_runner.config.saved import open_existing

    try:
        open_existing(options.run)
    except CheckpointError as error:
        parser().error(str(error))
    if options.rows is not None:
        return _assigned(options)
    if options.generate is not None:
        return _generated(options)
    if options.masks is not None:
        return _masked(options)
    if options.codes is not None:
        return _encoded(options)
    if options.samples is not None:
        return _sampled(options)
    return _scored(options)


def _assigned(options: argparse.Namespace) -> int:
    given = assign(
        options.run,
        options.rows,
        options.predictions,
        options.classes,
        options.device,
        options.batch_size,
        options.root,
    )
    return _show(options, given, f"written to {options.predictions}")


def _generated(options: argparse.Namespace) -> int:
    chosen = _given(of=options.of, count=options.per_class, seed=options.seed)
    made = generate(
        options.run, options.generate, **chosen, classes=options.classes, device=options.device, root=options.root
    )
    classes, each = len(made["classes"]), made["rows_of_each"]
    what = f"{classes * each:,} features of width {made['width']}, {each:,} of each of {classes:,} classes"
    return _show(options, made, f"{what}, written to {options.generate}")


def _masked(options: argparse.Namespace) -> int:
    made = write_masks(options.run, options.masks, **_of_images(options))
    classes = len(made["tables"][MASKS]["rows"])
    what = f"{made['images']:,} masks with values from 0 to {classes - 1}, the classes in this order"
    return _show(options, made, f"{what}, written to {options.masks}")


def _encoded(options: argparse.Namespace) -> int:
    made = write_codes(options.run, options.codes, **_of_images(options))
    parts = " and ".join(f"{name} of width {width}" for name, width in made["widths"].items())
    return _show(options, made, f"{parts} of {made['images']:,} images, written to {options.codes}")


def _sampled(options: argparse.Namespace) -> int:
    made = write_samples(
        options.run,
        options.samples,
        **_given(per_class=options.per_class, seed=options.seed),
        device=options.device,
        batch_size=options.batch_size,
        root=options.root,
    )
    of = f" of {len(made['classes']):,} classes" if made["classes"] else ""
    return _show(options, made, f"{made['images']:,} images{of}, written to {options.samples}")


def _of_images(options: argparse.Namespace) -> dict[str, Any]:
    """Return which images are meant, and how they are computed."""
    return {
        "of_training": bool(options.training_images),
        "pictures": options.pictures,
        "device": options.device,
        "batch_size": options.batch_size,
        "root": options.root,
    }


def _given(**options: Any) -> dict[str, Any]:
    """Return what the command line says; the rest is left to defaults."""
    return {name: value for name, value in options.items() if value is not None}


def _show(options: argparse.Namespace, done: dict[str, Any], words: str) -> int:
    print(json.dumps(done, indent=2) if options.json else f"{table(done)}\n{words}")
    require_printed()
    return 0


def _scored(options: argparse.Namespace) -> int:
    found = []
    for scores in evaluate(
        options.run,
        options.device,
        options.batch_size,
        options.predictions,
        options.data,
        options.settings,
        options.root,
    ):
        found.append(scores)
        if not options.json:
            print(table(scores))
            require_printed()
        kept = _keep(options.run, scores)
        if kept and not options.json:
            print(f"kept in {kept}")
    if options.json:
        print(json.dumps(found if len(found) > 1 else found[0], indent=2))
    elif len(found) > 1:
        print(f"\n{comparison(found)}")
    require_printed()
    return 0


def _keep(directory: Path, scores: dict[str, Any]) -> Path | None:
    """Keep the scores, or say why that cannot be: they are what was asked for, and the terminal shows them."""
    try:
        return keep(directory, scores)
    except (OSError, RunError) as error:
        print(f"zsl-eval: the scores are not kept: {expected(error)}", file=sys.stderr)
        return None


if __name__ == "__main__":
    sys.exit(main())
