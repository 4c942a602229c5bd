"""What the command line of ``zsl-eval`` may say, and what of it fits together."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from zsl_runner.config.places import require_beside, require_free, require_new_folder, require_there

DESCRIPTION = """Score the newest checkpoint of a run with the run's own evaluator.

A run that reached its final stage or finished its fit stage is scored on the test rows; a run that was stopped in its
tune or fit stage is scored on the validation rows. The metrics are printed and kept in RUN/evaluations/; the run
itself is not changed. Other settings of the evaluator, such as the rate of final classifiers, are tried on validation
rows alone: train with evaluator.stages=[tune]. Predictions of test rows are for looking at a finished method: a
setting chosen by them is chosen on test labels.

Nothing is scored with --rows, which assigns rows that nobody labelled to classes, with --generate, which writes
features that the run's model generates, with --masks, which writes the classes of pixels that it finds, with --codes,
which writes the codes that an autoencoder gives images, or with --samples, which writes images that it makes."""

EXAMPLES = """examples:
  zsl-eval outputs/sgal/digits/seed-0
  zsl-eval outputs/sgal/cub/seed-0 --device cuda --json
  zsl-eval outputs/sgal/cub/seed-0 --predictions predictions.csv
  zsl-eval outputs/sgal/cub/seed-0 --data FOLDER
  zsl-eval outputs/sgal/cub/seed-0 --rows features.npz --predictions found.csv
  zsl-eval outputs/sgal/cub/seed-0 --rows features.npz --classes class_vectors.npz --predictions found.csv
  zsl-eval outputs/f_clswgan/cub/seed-0 --generate features.npz --per-class 300
  zsl-eval outputs/class_maps/mine/seed-0 --masks masks --training-images
  zsl-eval outputs/class_maps/mine/seed-0 --masks masks --pictures holiday
  zsl-eval outputs/joint_vae/mnist_images/seed-0 --codes codes.npz
  zsl-eval outputs/joint_vae/mnist_images/seed-0 --samples samples --per-class 10000
  zsl-eval outputs/f_clswgan/cub/tuned evaluator.classifier.lr=1e-4,1e-3"""


SETTINGS = "settings"
WITHOUT_SCORES = {
    "--rows": ("--generate", "--masks", "--codes", "--samples", "--data", SETTINGS),
    "--generate": ("--masks", "--codes", "--samples", "--predictions", "--data", "--batch-size", SETTINGS),
    "--masks": ("--codes", "--samples", "--predictions", "--data", SETTINGS),
    "--codes": ("--samples", "--predictions", "--data", SETTINGS),
    "--samples": ("--predictions", "--data", SETTINGS),
}
"""What writes something else than scores, and the options that have no effect beside it."""
ONLY_WITH = {
    "--classes": ("--rows", "--generate"),
    "--of": ("--generate",),
    "--per-class": ("--generate", "--samples"),
    "--seed": ("--generate", "--samples"),
    "--training-images": ("--masks", "--codes"),
    "--pictures": ("--masks", "--codes"),
}


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
    arguments.add_argument("--json", action="store_true", help="print JSON instead of a table")
    features = arguments.add_argument_group("features, without scores")
    features.add_argument(
        "--rows",
        metavar="FILE",
        help="assign the features in this file, which need no labels, to classes instead of scoring, with "
        "--predictions; FILE is .npy, .npz, .pt, .h5, .csv or .mat, and FILE:VARIABLE picks one of several variables",
    )
    features.add_argument(
        "--classes",
        metavar="FILE",
        help="with --rows or --generate: class vectors and names, as zsl-data class-vectors writes them, of classes "
        "that take the place of the run's unseen ones",
    )
    features.add_argument(
        "--generate",
        type=Path,
        metavar="FILE",
        help="write generated features, in the scale of the run's data, and the names of their classes to a new .npz "
        "file, which zsl-data import reads",
    )
    features.add_argument(
        "--of",
        metavar="CLASSES",
        help="with --generate: unseen (default), seen or all classes, or names with commas between",
    )
    drawn = arguments.add_argument_group("what is drawn")
    drawn.add_argument(
        "--per-class",
        type=int,
        metavar="N",
        help="with --generate or --samples: so many of each class, or in all of a model that is told no classes; "
        "default 100",
    )
    drawn.add_argument("--seed", type=int, metavar="N", help="with --generate or --samples: default 0")
    images = arguments.add_argument_group("images, without scores")
    images.add_argument(
        "--samples",
        type=Path,
        metavar="FOLDER",
        help="write images that the model makes of codes drawn from its prior into a new folder, in a folder for each "
        "class if it is told classes, which dataset=image_classes reads; else dataset=unlabelled_images",
    )
    images.add_argument(
        "--masks",
        type=Path,
        metavar="FOLDER",
        help="write the class found at each pixel of every image that the run is scored on into a new folder, as PNG "
        "files with a palette, which dataset=image_folder reads",
    )
    images.add_argument(
        "--codes",
        type=Path,
        metavar="FILE",
        help="write the codes of every image that the run is scored on to a new .npz file, with the names of their "
        "classes",
    )
    images.add_argument(
        "--training-images",
        action="store_true",
        default=None,
        help="with --masks: of the training images of a run that learned from tags; only the tags an image has take "
        "part. With --codes: of the training images",
    )
    images.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="with --masks or --codes: of the pictures in this folder and below it instead, of which nothing need be "
        "known, read as those of the run were",
    )
    return arguments


def require_consistent(options: argparse.Namespace) -> None:
    """Refuse options that do not fit together."""
    for option, number in (("--batch-size", options.batch_size), ("--per-class", options.per_class)):
        if number is not None and number < 1:
            parser().error(f"{option}: expected a number of rows, found {number}")
    if options.seed is not None and options.seed < 0:
        parser().error(f"--seed: expected a number from 0 on, found {options.seed}")
    for mode, others in WITHOUT_SCORES.items():
        if _value(options, mode) is None:
            continue
        if idle := [other for other in others if _value(options, other)]:
            shown = options.settings[0] if idle[0] == SETTINGS else idle[0]
            parser().error(f"{mode}: nothing is scored, and {shown} has no effect; leave it out")
    if options.rows is not None and options.predictions is None:
        parser().error("--rows: the classes of these rows are written to --predictions FILE.csv, which is missing")
    if options.pictures is not None and options.training_images:
        parser().error("--pictures: none of these pictures is for training; leave --training-images out")
    for option, modes in ONLY_WITH.items():
        if _value(options, option) is not None and all(_value(options, mode) is None for mode in modes):
            parser().error(f"{option}: has an effect only with {' or '.join(modes)}")


def require_places(options: argparse.Namespace) -> None:
    """Refuse files and folders that are not there or in the way."""
    for option, file, ending in (
        ("--predictions", options.predictions, ".csv"),
        ("--generate", options.generate, ".npz"),
        ("--codes", options.codes, ".npz"),
    ):
        if file is not None:
            if file.suffix != ending:
                parser().error(f"{option}: expected a file that ends in {ending}, found {file}")
            require_beside(file, option)
            require_free(file)
    for folder in (options.masks, options.samples):
        if folder is not None:
            require_new_folder(folder)
    for option, folder in (("--data", options.data), ("--root", options.root), ("--pictures", options.pictures)):
        if folder is not None:
            require_there(folder, "folder", option)


def _value(options: argparse.Namespace, option: str) -> Any:
    return getattr(options, option.removeprefix("--").replace("-", "_"))
