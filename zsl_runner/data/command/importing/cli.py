"""The options of `zsl-data import`, and what it prints."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from zsl_runner.errors import ConfigError

DESCRIPTION: Final = """\
Make a folder in the xlsa17 layout from arrays of your own. FILE is .npy, .npz, .pt (tensors only), .h5, .csv, .mat or,
for names, .txt; FILE:VARIABLE picks one of several variables. Nothing is guessed and nothing is overwritten: what does
not fit is refused, what was understood is printed. The guide: docs/guides/own_data.md
"""
EXAMPLES: Final = """examples:
  zsl-data import mine --features features.npz --class-vectors class_vectors.npz --unseen cat,dog
  zsl-data import mine --features x.npy --labels y.npy --class-vectors attributes.csv --draw-unseen 10 --seed 1
  zsl-data import mine --features old.mat:X --features-are D,N --labels old.mat:y --count-from 1 \
--class-vectors att.h5 --class-names names.txt --unseen unseen.txt --test-rows test.npy \
--feature-kind "ViT-B/16, 768-d"
"""


def add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = commands.add_parser(
        "import",
        help="make a folder in the xlsa17 layout from your arrays of features, labels and class vectors",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("folder", metavar="FOLDER", type=Path, help="where to write; must not exist yet")
    arrays = command.add_argument_group("arrays")
    arrays.add_argument("--features", metavar="FILE", required=True, help="a row for each image")
    arrays.add_argument(
        "--labels", metavar="FILE", help="the class of each image, a name or a number; default: in the features' file"
    )
    arrays.add_argument("--class-vectors", metavar="FILE", required=True, help="a row for each class")
    arrays.add_argument(
        "--class-names", metavar="FILE", help="names in the order of the class vectors; default: in their file"
    )
    arrays.add_argument(
        "--features-are",
        choices=("N,D", "D,N"),
        metavar="N,D|D,N",
        default="N,D",
        help="axes of the features: one row (N,D) or one column (D,N) for each image; default N,D",
    )
    arrays.add_argument(
        "--class-vectors-are",
        choices=("C,A", "A,C"),
        metavar="C,A|A,C",
        default="C,A",
        help="axes of the class vectors: one row (C,A) or one column (A,C) for each class; default C,A",
    )
    arrays.add_argument(
        "--count-from", type=int, choices=(0, 1), default=0, help="number of the first class and row; default 0"
    )
    arrays.add_argument("--feature-kind", metavar="TEXT", help='the features in words, e.g. "ViT-B/16, 768-d"')
    split = command.add_argument_group("split")
    unseen = split.add_mutually_exclusive_group(required=True)
    unseen.add_argument("--unseen", metavar="NAMES", help="unseen classes: a,b,c or a file with one name on each line")
    unseen.add_argument("--draw-unseen", metavar="N", type=int, help="draw this number of unseen classes")
    validation = split.add_mutually_exclusive_group()
    validation.add_argument(
        "--validation", metavar="NAMES", help="seen classes to validate on, given likewise; default: drawn by a run"
    )
    validation.add_argument("--draw-validation", metavar="N", type=int, help="draw this number of validation classes")
    test = split.add_mutually_exclusive_group()
    test.add_argument("--test-rows", metavar="FILE", help="rows of seen classes for testing: numbers, or a mask")
    test.add_argument(
        "--test-share", metavar="X", type=float, default=0.2, help="share of each seen class to draw; default 0.2"
    )
    split.add_argument("--seed", metavar="N", type=int, default=0, help="seed of all draws; default 0")
    command.set_defaults(run=_import)


def _import(given: argparse.Namespace) -> int:
    from zsl_runner.config.places import require_new_folder
    from zsl_runner.config.quoting import line, place, setting
    from zsl_runner.data.command.importing.arrays import Files
    from zsl_runner.data.command.importing.fitting import understand
    from zsl_runner.data.command.importing.request import Request
    from zsl_runner.data.command.importing.writing import write
    from zsl_runner.files.names import label_of

    if not 0 < given.test_share < 1:
        raise ConfigError(f"--test-share: expected a number between 0 and 1, found {given.test_share:g}")
    if given.seed < 0:
        raise ConfigError(f"--seed: expected 0 or more, found {given.seed}")
    request = Request(
        folder=given.folder,
        features=given.features,
        class_vectors=given.class_vectors,
        labels=given.labels,
        class_names=given.class_names,
        unseen=given.unseen,
        draw_unseen=given.draw_unseen,
        validation=given.validation,
        draw_validation=given.draw_validation,
        test_rows=given.test_rows,
        test_share=given.test_share,
        features_turned=given.features_are == "D,N",
        class_vectors_turned=given.class_vectors_are == "A,C",
        first=given.count_from,
        feature_kind=given.feature_kind,
        seed=given.seed,
    )
    require_new_folder(request.folder)
    files = Files()
    understood = understand(request, files)
    for what, words in understood.lines:
        print(f"{what:<14} {words}")
    written, records = write(request, understood, files)
    print(f"{'written':<14} {', '.join(map(str, written))}")
    name = label_of(request.folder.resolve().name)
    for warning in records.provenance.warnings:
        print(f"{'warning':<14} {warning}")
    look = line("zsl-data", "describe", "xlsa17", "--source", place(request.folder))
    root = setting("dataset.root", place(request.folder))
    print(f"\nlook at it     {look}")
    print(f"run it         {line('zsl-run', 'dataset=xlsa17', setting('dataset.name', name), root)}")
    return 0
