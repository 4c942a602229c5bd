"""The command ``zsl-data``: import, extract, prepare, verify, describe and synthesize data sets.

Modules that read data are imported inside the functions, so that ``--help`` answers at once. Torch is imported for
files of tensors and for networks alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from zsl_runner.config.schema import DatasetConf
from zsl_runner.console import frame
from zsl_runner.console.arguments import completing
from zsl_runner.console.terminal import require_printed
from zsl_runner.data.command.extraction.cli import add_extraction
from zsl_runner.data.command.importing.cli import add_import
from zsl_runner.errors import ConfigError, DataError

EXAMPLES = """examples:
  zsl-data prepare cub                            files in $ZSL_DATA/xlsa17/CUB (./data/... if ZSL_DATA is not set)
  zsl-data prepare cub --source /data/CUB         files anywhere
  zsl-data verify --all                           every data set that is there
  zsl-data verify xlsa17 --source /data/mine      your own folder in the xlsa17 layout
  zsl-data describe cub semantics=sent --figure cub.png
  zsl-data describe digits fold=2
  zsl-data import mine --features features.npz --class-vectors class_vectors.npz --unseen cat,dog
  zsl-data synthesize mine --v73                  a small example of the xlsa17 layout
  zsl-data extract photos features.npz --backbone timm:resnet50
  zsl-data class-vectors names.txt class_vectors.npz --encoder sentence:all-MiniLM-L6-v2

The names are those of `zsl-run dataset=NAME`, the options those of `zsl-run dataset.KEY=VALUE`.
Exit codes: 0 all is well; 1 something is wrong with the data, or the disk is full; 2 an argument, an option or the
place to write to is wrong.
"""


NAMELESS: Final = "own"
"""The name in `conf/dataset/xlsa17.yaml`, which stands for any folder."""
Report = Callable[[str, DatasetConf], Iterable[str]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return frame.run("zsl-data", lambda: _work(arguments))


def _work(arguments: Sequence[str] | None) -> int:
    parser = completing(_parser())
    given, rest = parser.parse_known_args(arguments)
    if rest:  # argparse gives up on KEY=VALUE after an option
        if not hasattr(given, "overrides") or any(text.startswith("-") or "=" not in text for text in rest):
            parser.error("not understood: " + " ".join(rest))
        given.overrides += rest
    code = int(given.run(given))
    require_printed()
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zsl-data",
        description="Prepare, check and look at the data sets of zsl-run.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    prepare = _reading(
        commands, "prepare", "read and check a data set and write a cache that loads in a moment", _prepare
    )
    prepare.add_argument("--all", action="store_true", help="every data set whose files are there")
    prepare.add_argument("--cache", metavar="DIR", help="folder of the cache; default $ZSL_CACHE or ~/.cache/zsl-run")

    verify = _reading(commands, "verify", "check files, checksums, sizes and splits; read no cache", _verify)
    verify.add_argument("--all", action="store_true", help="every data set whose files are there")

    describe = _reading(commands, "describe", "summarise classes, attributes, features and splits", _describe)
    describe.add_argument("--figure", metavar="PNG", type=Path, help="also draw it")

    add_import(commands)

    synthesize = commands.add_parser(
        "synthesize",
        help="write a small invented data set in the xlsa17 layout",
        description="Write a small invented data set in the xlsa17 layout, to try out how your own data are used. "
        "Nothing is overwritten.",
    )
    synthesize.add_argument("folder", metavar="FOLDER", type=Path, help="where to write")
    synthesize.add_argument("--v73", action="store_true", help="MATLAB 7.3 files (HDF5) instead of version 5")
    for name, default, meaning in (
        ("seen", 12, "seen classes"),
        ("unseen", 4, "unseen classes"),
        ("attributes", 20, "attributes of a class"),
        ("width", 64, "features of a row"),
        ("rows", 60, "rows of each class; a fifth of a seen class is for testing"),
        ("seed", 0, "seed"),
    ):
        synthesize.add_argument(
            f"--{name}", type=int, default=default, metavar="N", help=f"{meaning} (default {default})"
        )
    synthesize.set_defaults(run=_synthesize)

    add_extraction(commands)
    return parser


def _reading(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    meaning: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    """Add a command that reads a data set."""
    command = commands.add_parser(name, help=meaning, description=meaning[0].upper() + meaning[1:] + ".")
    command.add_argument(
        "name", type=_bare, metavar="NAME", nargs="?", help="a data set, e.g. cub; without it they are listed"
    )
    command.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="options, e.g. semantics=sent")
    command.add_argument("--source", metavar="DIR", help="folder of the files; the same as root=DIR")
    command.set_defaults(run=run, all=False, cache=None)
    return command


def _bare(name: str) -> str:
    """Return the name of a data set, which may be written as for `zsl-run`."""
    return name.removeprefix("dataset=")


def _prepare(given: argparse.Namespace) -> int:
    from zsl_runner.data.command.preparation import prepare

    return _each(given, lambda name, conf: prepare(name, conf, given.overrides))


def _verify(given: argparse.Namespace) -> int:
    from zsl_runner.data.command.verification import verify

    return _each(given, verify)


def _describe(given: argparse.Namespace) -> int:
    from zsl_runner.config.places import require_beside
    from zsl_runner.data.command.describe import DPI, describe, draw
    from zsl_runner.data.load import load
    from zsl_runner.files.writing import write_bytes
    from zsl_runner.tracking.pictures import png

    if given.figure is not None and given.figure.suffix.lower() != ".png":
        raise ConfigError(f"--figure: expected a file that ends in .png, found {given.figure}")
    if given.figure is not None:
        require_beside(given.figure, "--figure")

    def described(_option: str, conf: DatasetConf) -> Iterable[str]:
        records = load(conf)
        yield from describe(records)
        if given.figure is not None:
            write_bytes(given.figure, png(draw(records), DPI))
            yield f"\nfigure {given.figure}"

    return _each(given, described)


def _synthesize(given: argparse.Namespace) -> int:
    from zsl_runner.config.quoting import line, place, setting
    from zsl_runner.data.command.chosen import chosen
    from zsl_runner.data.command.synthesis import synthesize
    from zsl_runner.data.sources.toy.conf import ToyConf
    from zsl_runner.files.names import label_of

    if given.rows < 5:
        raise ConfigError(f"--rows: expected at least 5, found {given.rows}")
    test_rows = given.rows // 5
    sizes = {
        "seen": given.seen,
        "unseen": given.unseen,
        "attributes": given.attributes,
        "width": given.width,
        "train_rows": given.rows - test_rows,
        "test_rows": test_rows,
        "unseen_rows": given.rows,
        "data_seed": given.seed,
    }
    conf = chosen("toy", [f"{key}={value}" for key, value in sizes.items()])
    assert isinstance(conf, ToyConf)
    for path in synthesize(given.folder, conf, version_7_3=given.v73):
        print(path)
    look = line("zsl-data", "describe", "xlsa17", "--source", place(given.folder))
    label = setting("dataset.name", label_of(given.folder.resolve().name))
    start = line("zsl-run", "dataset=xlsa17", label, setting("dataset.root", place(given.folder)))
    print(f"\nlook at it  {look}\nrun it      {start}")
    return 0


def _each(given: argparse.Namespace, report: Report) -> int:
    """Print a report on the data set that was named, or on all that are there."""
    from zsl_runner.config.quoting import setting
    from zsl_runner.data.command.chosen import below_dataset, chosen, data_sets
    from zsl_runner.files.names import label_of

    if given.name is None and not given.all:
        raise ConfigError("name a data set: " + ", ".join(data_sets()))
    overrides = [] if given.cache is None else [setting("cache", given.cache)]
    twice = {"root": given.source, "cache": given.cache}
    for key in (below_dataset(override).partition("=")[0].removeprefix("dataset.") for override in given.overrides):
        if twice.get(key) is not None:
            raise ConfigError(f"{key}: given twice, also as {twice[key]}; write one of the two")
    if given.all:
        if given.name is not None or given.source is not None:
            raise ConfigError("--all: takes no name, no options and no --source")
        return _all(overrides, report)
    if given.source is not None:
        overrides.append(setting("root", given.source))
    conf = chosen(given.name, [*given.overrides, *overrides])
    called = _called(conf)
    if called.name != conf.name:  # a command that is printed names it, too
        given.overrides = [*given.overrides, setting("name", label_of(called.name))]
    for line in report(given.name, called):
        print(line)
    return 0


def _called(conf: DatasetConf) -> DatasetConf:
    """Return the configuration of data in a folder that has no name yet with that of the folder."""
    from zsl_runner.files.folders import expanded

    if conf.name != NAMELESS:
        return conf
    changes: dict[str, Any] = {"name": expanded(getattr(conf, "root", "")).resolve().name}
    return dataclasses.replace(conf, **changes)


def _all(overrides: Sequence[str], report: Report) -> int:
    """Print a report on every data set that is there; a broken one does not stop the others."""
    from zsl_runner.console.failures import expected
    from zsl_runner.data.command.chosen import chosen, data_sets, missing_files

    code, absent = 0, []
    for name in data_sets():
        try:
            conf = chosen(name, with_files=False)
        except ConfigError:
            absent.append(f"{name} (needs --source)")
            continue
        try:
            if missing := missing_files(conf):
                absent.append(f"{name} ({missing[0]} is not there)")
                continue
            if overrides and conf.kept_copy:
                conf = chosen(name, overrides)
            for line in report(name, conf):
                print(line)
        except (DataError, OSError) as error:
            print(f"{name}: {expected(error)}", file=sys.stderr)
            code = 1
        print()
    print("left out: " + ("; ".join(absent) or "none"))
    return code
