"""The options of `zsl-data extract` and `zsl-data class-vectors`, and what they print; `--help` needs no torch."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

from zsl_runner.config.places import require_beside, require_free, require_there
from zsl_runner.config.quoting import line, place
from zsl_runner.console.arguments import positive
from zsl_runner.data.command.extraction.preprocessing import FITS, INTERPOLATIONS
from zsl_runner.data.command.importing.request import LEAST_SEEN
from zsl_runner.errors import ConfigError, RunError

EXTRACT: Final = """\
Turn the pictures in class folders (IMAGES/cat/1.jpg) into features, with any backbone of timm or open_clip (both in
the extra [extract]) or with a function of your own that returns a torch.nn.Module. A command that was stopped
continues where it was when it is called again. Nothing is overwritten. See docs/guides/extract.md
"""
EXTRACT_EXAMPLES: Final = """examples:
  zsl-data extract photos features.npz --backbone timm:resnet101.a1_in1k
  zsl-data extract photos features.npz --backbone timm:vit_base_patch14_dinov2.lvd142m --size 224
  zsl-data extract photos features.npz --backbone open_clip:ViT-B-16-quickgelu --weights openai
  zsl-data extract photos features.npz --backbone my_package.networks:build --weights mine.pt --mean 0 0 0 --std 1 1 1
"""
VECTORS: Final = """\
Turn class names or descriptions into class vectors of unit length, with a sentence encoder, the text tower of a CLIP
(both in the extra [extract]) or a function of your own. NAMES is a text file with one class on each line, or a table
(.csv) with the columns name and description; several rows for a class, or several templates, are averaged.
Nothing is overwritten. See docs/guides/extract.md
"""
VECTORS_EXAMPLES: Final = """examples:
  zsl-data class-vectors names.txt class_vectors.npz --encoder sentence:all-MiniLM-L6-v2
  zsl-data class-vectors descriptions.csv class_vectors.npz --encoder sentence:/models/all-mpnet-base-v2
  zsl-data class-vectors names.txt class_vectors.npz --encoder open_clip:ViT-B-16-quickgelu --weights openai \
--template "a photo of a {}." --template "a drawing of a {}."
"""


def add_extraction(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both commands."""
    extract = _command(commands, "extract", "turn pictures in class folders into features", EXTRACT, EXTRACT_EXAMPLES)
    extract.add_argument("images", metavar="IMAGES", type=Path, help="a folder that holds a folder for each class")
    _output(extract, "features")
    extract.add_argument(
        "--backbone", metavar="SOURCE:NAME", required=True, help="timm:NAME, open_clip:NAME or package.module:function"
    )
    _weights(extract)
    steps = extract.add_argument_group("preprocessing; default: what the backbone was evaluated with")
    steps.add_argument("--size", type=positive, metavar="N", help="side of the square that the backbone reads")
    steps.add_argument(
        "--resize", type=positive, metavar="N", help="length to which pictures are scaled before they are cropped"
    )
    steps.add_argument("--fit", choices=FITS, help="crop: keep the proportions and take the middle; squash: distort")
    steps.add_argument("--interpolation", choices=INTERPOLATIONS, help="how pictures are scaled")
    for name, meaning in (("mean", "subtracted from values between 0 and 1"), ("std", "divides the difference")):
        steps.add_argument(f"--{name}", type=float, nargs=3, metavar=("R", "G", "B"), help=meaning)
    extract.add_argument("--batch", type=positive, default=64, metavar="N", help="pictures in a batch (default 64)")
    extract.add_argument(
        "--workers",
        type=positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="threads that read pictures (default: one for each core)",
    )
    extract.set_defaults(run=_extract)

    vectors = _command(commands, "class-vectors", "turn class names into class vectors", VECTORS, VECTORS_EXAMPLES)
    vectors.add_argument("names", metavar="NAMES", type=Path, help="class names (.txt), or with descriptions (.csv)")
    _output(vectors, "class vectors")
    vectors.add_argument(
        "--encoder",
        metavar="SOURCE:NAME",
        required=True,
        help="sentence:NAME, open_clip:NAME or package.module:function",
    )
    _weights(vectors)
    vectors.add_argument(
        "--template",
        action="append",
        metavar="TEXT",
        help="a text with {} for the name; may be given several times; default: the name alone",
    )
    vectors.set_defaults(run=_class_vectors)


def _command(commands: Any, name: str, meaning: str, description: str, examples: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=meaning,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps; default: a GPU if there is one")
    return command


def _output(command: argparse.ArgumentParser, content: str) -> None:
    command.add_argument(
        "output", metavar="FILE", type=Path, help=f"the .npz file of {content} to write; must not exist yet"
    )


def _weights(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--weights",
        metavar="FILE",
        help="a file of weights, or for open_clip a tag, e.g. openai; with a function of your own, its argument; "
        "default: the weights that the name stands for on its hub",
    )


def _extract(given: argparse.Namespace) -> int:
    from zsl_runner.data.sources.pictures.classes import class_pictures

    _require_new_file(given.output)
    require_there(given.images, "folder")
    tree, labels = class_pictures(given.images, "give a folder that holds a folder of pictures for each class")
    classes = len(set(labels))
    print(f"pictures    {len(tree.pictures):,} of {classes:,} classes in {given.images}")
    for note in tree.notes():
        print(f"            {note}")

    from zsl_runner.console.failures import caused_by_the_system
    from zsl_runner.data.command.extraction.backbones import build, device_of
    from zsl_runner.data.command.extraction.features import Extraction, common, write
    from zsl_runner.data.command.extraction.parts import Parts
    from zsl_runner.data.command.extraction.watching import watching
    from zsl_runner.files.writing import remove_leftovers

    device = device_of(given.device)
    steps = {name: getattr(given, name) for name in ("size", "resize", "fit", "interpolation", "mean", "std")}
    backbone = build(given.backbone, given.weights, {name: value for name, value in steps.items() if value is not None})
    made_with = common(backbone, device, given.batch)
    backbone.network.to(device)
    print(f"backbone    {given.backbone}{_of(given.weights)} on {device}\nread as     {backbone.preprocessing}")

    parts = Parts(given.output.with_name(f"{given.output.name}.parts"), made_with)
    with parts.held(), watching(len(tree.pictures)) as watch:
        remove_leftovers(given.output.parent, older_than=0, of=given.output.name)
        try:
            found = Extraction(tree.pictures, backbone, device, given.batch, given.workers, parts).features(watch)
            provenance = {"name": given.backbone, "weights": given.weights, "folder": str(given.images), **made_with}
            write(given.output, tree.pictures, labels, found, provenance)
        except RunError as error:
            if caused_by_the_system(error):  # a full disk, or a picture that is gone
                raise type(error)(f"{error}; mend that and repeat the command, which keeps what is done") from error
            raise
        except KeyboardInterrupt:
            print(
                f"stopped after {watch.done:,} of {watch.total:,} pictures; repeat the command to continue "
                f"from {parts.folder}",
                file=sys.stderr,
            )
            raise
        parts.finish()
    kind = f"{given.backbone}{_of(given.weights)}, {found.shape[1]}-d"
    print(f"features    {found.shape[0]:,} x {found.shape[1]:,} in {given.output}")
    _next(classes, "--features", given.output, "--feature-kind", kind, "--class-vectors", "class_vectors.npz")
    _assign("--rows", given.output)
    return 0


def _class_vectors(given: argparse.Namespace) -> int:
    from zsl_runner.data.command.extraction.texts import class_texts
    from zsl_runner.files.arrays import write_arrays

    _require_new_file(given.output)
    require_there(given.names, "file")
    texts = class_texts(given.names, given.template or [])

    from zsl_runner.data.command.extraction.backbones import device_of
    from zsl_runner.data.command.extraction.encoders import build, class_vectors

    found = class_vectors(build(given.encoder, given.weights, device_of(given.device)), texts)
    provenance = {"name": given.encoder, "weights": given.weights, "texts": texts}
    write_arrays(
        given.output,
        {
            "class_vectors": found,
            "names": np.array(list(texts)),
            "provenance": np.array(json.dumps(provenance)),
        },
    )
    name, first = next(iter(texts.items()))
    print(f"texts       {sum(map(len, texts.values())):,}, of {name!r}: {first[0]!r}")
    print(f"vectors     {found.shape[0]:,} x {found.shape[1]:,} of unit length in {given.output}")
    _next(len(texts), "--features", "features.npz", "--class-vectors", given.output)
    _assign("--rows", "features.npz", "--classes", given.output)
    return 0


def _of(weights: str | None) -> str:
    return f" ({weights})" if weights is not None else ""


def _next(classes: int, *arguments: object) -> None:
    """Print the command that takes the file, with a fifth of the classes unseen; or that it takes more."""
    if classes <= LEAST_SEEN:
        print(f"\nimport it   with more classes: two at least are seen and one is unseen, found {classes} in all")
        return
    draw = ("--draw-unseen", str(max(1, classes // 5)))
    print(f"\nimport it   {line('zsl-data', 'import', 'mine', *_words(*arguments), *draw)}")


def _assign(*arguments: object) -> None:
    """Print the command that assigns rows without labels to the classes of a run."""
    print(f"or assign   {line('zsl-eval', 'RUN', *_words(*arguments), '--predictions', 'found.csv')}")


def _words(*arguments: object) -> list[str]:
    return [place(word) if isinstance(word, Path) else str(word) for word in arguments]


def _require_new_file(output: Path) -> None:
    if output.suffix != ".npz":
        raise ConfigError(f"{output}: expected the name of a file that ends in .npz")
    require_free(output, "remove it or choose another name")
    require_beside(output)
