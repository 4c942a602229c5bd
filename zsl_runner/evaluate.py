"""``zsl-eval``: score the newest checkpoint of a finished or stopped run."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_runner.config.places import require_beside, require_free, require_there
from zsl_runner.console import frame
from zsl_runner.console.arguments import completing
from zsl_runner.console.failures import expected
from zsl_runner.console.terminal import require_printed
from zsl_runner.errors import CheckpointError, ConfigError, DataError, RunError
from zsl_runner.files.writing import remove_leftovers, writable, write_parts, write_text
from zsl_runner.report.scores import ASSIGNED, CLASSES, CONFUSIONS, comparison, table

if TYPE_CHECKING:
    from zsl_runner.data.command.importing.arrays import Found
    from zsl_runner.data.records import Records
    from zsl_runner.data.stages import AnyFold
    from zsl_runner.evaluation.predictions import Decided, Predictions
    from zsl_runner.runs.opened import TrainedRun

DESCRIPTION = """Score the newest checkpoint of a run with the run's own evaluator.

A run that reached its final stage or finished its fit stage is scored on the test rows; a run that was stopped in its
tune or fit stage is scored on the validation rows. The metrics are printed and kept in RUN/evaluations/; the run
itself is not changed. Other settings of the evaluator, such as the rate of final classifiers, are tried on validation
rows alone: train with evaluator.stages=[tune]. Predictions of test rows are for looking at a finished method: a
setting chosen by them is chosen on test labels.

With --rows nothing is scored: rows that nobody labelled are assigned to classes."""

EXAMPLES = """examples:
  zsl-eval outputs/sgal/digits/seed-0
  zsl-eval outputs/sgal/cub/seed-0 --device cuda --json
  zsl-eval outputs/sgal/cub/seed-0 --predictions predictions.csv
  zsl-eval outputs/sgal/cub/seed-0 --data FOLDER
  zsl-eval outputs/sgal/cub/seed-0 --rows features.npz --predictions found.csv
  zsl-eval outputs/sgal/cub/seed-0 --rows features.npz --classes class_vectors.npz --predictions found.csv
  zsl-eval outputs/f_clswgan/cub/tuned evaluator.classifier.lr=1e-4,1e-3"""

TEST_ROWS = "the predictions are of test rows: a setting chosen by them is chosen on test labels"


def parser() -> argparse.ArgumentParser:
    """Return the command's argument parser."""
    arguments = argparse.ArgumentParser(
        prog="zsl-eval", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("run", type=Path, metavar="RUN", help="directory of the run")
    arguments.add_argument(
        "settings",
        nargs="*",
        default=[],  # or argparse says that it is required
        metavar="evaluator.KEY=VALUE",
        help="score validation rows with other settings of the run's evaluator, without training again; several "
        "values of a key, as in KEY=1,2, are compared",
    )
    arguments.add_argument("--device", default="auto", help="auto (default), cpu, cuda or cuda:N")
    arguments.add_argument("--batch-size", type=int, metavar="N", help="rows scored at a time; default: the run's")
    arguments.add_argument(
        "--root",
        type=Path,
        metavar="FOLDER",
        help="where the run's own data are now, if they were moved; their checksums must be the same",
    )
    arguments.add_argument(
        "--predictions",
        type=Path,
        metavar="FILE",
        help="write every scored row to a new .csv file: row, split, true and predicted class, scores of all "
        "candidates; also print the accuracy of each class and the pairs confused most often",
    )
    arguments.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="score all rows of this folder instead; it has the layout of the run's data and the same classes by name",
    )
    arguments.add_argument(
        "--rows",
        metavar="FILE",
        help="assign the features in this file, which need no labels, to classes instead of scoring, with "
        "--predictions; FILE is .npy, .npz, .pt, .h5, .csv or .mat, and FILE:VARIABLE picks one of several variables",
    )
    arguments.add_argument(
        "--classes",
        metavar="FILE",
        help="with --rows: class vectors and names, as zsl-data class-vectors writes them, of classes that take the "
        "place of the run's unseen ones",
    )
    arguments.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return arguments


def evaluate(
    directory: Path,
    device: str = "auto",
    batch_size: int | None = None,
    predictions: Path | None = None,
    data: Path | None = None,
    settings: Sequence[str] = (),
    root: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """Score the newest checkpoint of the run in ``directory``: once, or once for each combination of settings.

    Args:
        directory: the run's directory.
        device: where to compute.
        batch_size: rows scored at a time; None takes the run's.
        predictions: where to write a table of all scored rows, for one combination alone; None writes none.
        data: folder of other rows to score; None takes the run's own.
        settings: other settings of the run's evaluator, see `zsl_runner.config.rescore.rescored`; only for a run that
            is scored on validation rows.
        root: folder that the run's own data were moved to; None takes the run's.

    Yields:
        ``metrics`` by tag, in per cent unless ``quantities`` says otherwise (by name without prefix), ``tables`` by
        name, ``warnings``, and what they belong to: ``run``, ``checkpoint_step``, ``stage``, ``steps_done``,
        ``complete`` (whether the stage was finished), ``settings``, ``data`` (with checksums), with predictions their
        file.

    Raises:
        ConfigError: ``settings`` are refused, or would give several tables of predictions.
        RunError: the run, its checkpoints or the data cannot be used, the evaluator predicts no classes, or the file
            cannot be written.
    """
    evaluators = {}
    if settings:
        from zsl_runner.config.rescore import rescored  # Hydra is imported only where it reads something

        evaluators = rescored(directory, settings)
        if predictions is not None and len(evaluators) > 1:
            raise ConfigError("--predictions: one file has the scores under one setting; give one value of each key")
    with frame.lasting():
        from zsl_runner.runs.opened import open_run  # torch is imported only when something is scored
    run = open_run(directory, device, batch_size, root)
    rows = (run.fold, run.data, []) if data is None else run.other_rows(data)
    if not evaluators:
        yield _scores(run, rows, predictions)
    for combination, conf in evaluators.items():
        conf.batch_size = conf.batch_size if batch_size is None else batch_size
        yield _scores(run.scored_by(conf), rows, predictions, combination)


def _scores(
    run: TrainedRun,
    rows: tuple[AnyFold, Records, list[str]],
    predictions: Path | None,
    settings: Sequence[str] = (),
) -> dict[str, Any]:
    from zsl_runner.evaluation.base import measured

    fold, records, remarks = rows
    measurement = measured(run.evaluator, run.stage, run.model, fold, run.choices)
    scores: dict[str, Any] = {
        **_scored(run),
        "settings": list(settings),
        "data": records.origin(),
        "metrics": {tag: value for tag, value in measurement.metrics.items() if tag not in measurement.undefined},
        "tables": {name: table.plain() for name, table in measurement.tables.items()},
        "warnings": [*measurement.warnings(), *remarks],
        "quantities": {name: asdict(quantity) for name, quantity in run.config.evaluator.quantities.items()},
    }
    if predictions is not None:
        from zsl_runner.evaluation.class_tables import class_accuracies, confusions

        groups = _written(predictions, run.evaluator.predictions(fold.evaluation, measurement), run.classes)
        scores["predictions"] = str(predictions)
        scores["tables"] |= {
            CLASSES: class_accuracies(groups, run.classes).plain(),
            CONFUSIONS: confusions(groups, run.classes).plain(),
        }
        if fold.evaluation.name == "test":
            scores["warnings"].append(TEST_ROWS)
    return scores


def _written(
    predictions: Path, blocks: Iterable[Predictions], class_names: Sequence[str], images: Sequence[str] | None = None
) -> list[Decided]:
    """Write rows block by block, so that they are scored once and no scores are kept; return each group's classes."""
    from zsl_runner.evaluation.predictions import as_csv, joined

    decided: list[Decided] = []

    def noting() -> Iterator[Predictions]:
        for block in blocks:
            decided.append(block.decided)
            yield block

    write_parts(predictions, as_csv(noting(), class_names, images))
    return joined(decided)


def assign(
    directory: Path,
    rows: str,
    predictions: Path,
    classes: str | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    root: Path | None = None,
) -> dict[str, Any]:
    """Assign rows that nobody labelled to classes, by the newest checkpoint of a run, and write them to a file.

    Args:
        directory: the run's directory.
        rows: ``FILE`` or ``FILE:VARIABLE`` of the features, in the scale of the run's data set.
        predictions: where to write the table of all rows.
        classes: likewise class vectors with names, in place of the run's unseen classes; None keeps these.
        device: where to compute.
        batch_size: rows scored at a time; None takes the run's.
        root: folder that the run's own data were moved to; None takes the run's.

    Returns:
        What `evaluate` yields, without metrics.

    Raises:
        RunError: the run or the files cannot be used, or do not fit together.
    """
    from zsl_runner.data.command.importing.unlabelled import read_unlabelled

    given = read_unlabelled(rows, classes)  # before torch is imported
    with frame.lasting():
        from zsl_runner.data.zero_shot.new_rows import require_own_norm
        from zsl_runner.data.zero_shot.options import ZeroShotConf
        from zsl_runner.evaluation.class_tables import assignments
        from zsl_runner.runs.opened import open_run
    run = open_run(directory, device, batch_size, root)
    if given.class_vectors is not None:
        with _said_of(given.class_vectors):
            run = run.with_classes(given.class_vectors.value, given.class_names)
            conf = run.config.dataset
            assert isinstance(conf, ZeroShotConf)  # its data have class vectors
            require_own_norm(given.class_vectors.value, run.data, conf.semantic_scaling)
    with _said_of(given.rows):
        blocks = run.assign(given.rows.value)
    (found,) = _written(predictions, blocks, run.classes, given.images)
    return {
        **_scored(run),
        "rows": given.rows.origin,
        "predictions": str(predictions),
        "tables": {ASSIGNED: assignments(found, run.classes).plain()},
    }


@contextlib.contextmanager
def _said_of(given: Found) -> Iterator[None]:
    """Name file and variable in what is wrong with them."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{given.origin}: {error}") from error


def _scored(run: TrainedRun) -> dict[str, Any]:
    return {
        "run": str(run.directory),
        "checkpoint_step": run.step,
        "stage": run.stage,
        "steps_done": run.steps_done,
        "complete": run.complete,
    }


def keep(directory: Path, scores: dict[str, Any]) -> Path:
    """Write ``scores`` to a new file in ``directory/evaluations`` and return its path; nothing is overwritten.

    Raises:
        RunError: the file cannot be written, e.g. on a full or read-only disk.
    """
    folder = directory / "evaluations"
    with writable(folder):
        folder.mkdir(exist_ok=True)
        remove_leftovers(folder)
        for repeat in count(1):
            path = folder / f"step-{scores['checkpoint_step']:09d}{'' if repeat == 1 else f'.{repeat}'}.json"
            try:
                path.touch(exist_ok=False)  # the name is ours
            except FileExistsError:
                continue
            break
    try:
        write_text(path, json.dumps(scores, indent=2))
    except RunError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``zsl-eval`` and return its exit code."""
    return frame.run("zsl-eval", lambda: _work(arguments))


def _work(arguments: Sequence[str] | None) -> int:
    options = completing(parser()).parse_intermixed_args(arguments)
    _require_consistent(options)
    from zsl_runner.config.saved import open_existing

    try:
        open_existing(options.run)
    except CheckpointError as error:
        parser().error(str(error))
    if options.rows is not None:
        given = assign(
            options.run,
            options.rows,
            options.predictions,
            options.classes,
            options.device,
            options.batch_size,
            options.root,
        )
        print(json.dumps(given, indent=2) if options.json else f"{table(given)}\nwritten to {options.predictions}")
        require_printed()
        return 0
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


def _require_consistent(options: argparse.Namespace) -> None:
    """Refuse options that do not fit together, and files that are not there or in the way."""
    if options.batch_size is not None and options.batch_size < 1:
        parser().error(f"--batch-size: expected a number of rows, found {options.batch_size}")
    if options.predictions is not None:
        if options.predictions.suffix != ".csv":
            parser().error(f"--predictions: expected a file that ends in .csv, found {options.predictions}")
        require_beside(options.predictions, "--predictions")
        require_free(options.predictions)
    for option, folder in (("--data", options.data), ("--root", options.root)):
        if folder is not None:
            require_there(folder, "folder", option)
    if options.rows is not None:
        if options.predictions is None:
            parser().error("--rows: the classes of these rows are written to --predictions FILE.csv, which is missing")
        if options.data is not None or options.settings:
            other = "--data" if options.data is not None else options.settings[0]
            parser().error(f"--rows: rows without labels are not scored, so {other} has no effect; leave it out")
    elif options.classes is not None:
        parser().error("--classes: only rows given with --rows are assigned to other classes")


def _keep(directory: Path, scores: dict[str, Any]) -> Path | None:
    """Keep the scores, or say why that cannot be: they are what was asked for, and the terminal shows them."""
    try:
        return keep(directory, scores)
    except (OSError, RunError) as error:
        print(f"zsl-eval: the scores are not kept: {expected(error)}", file=sys.stderr)
        return None


if __name__ == "__main__":
    sys.exit(main())
