"""Loads a folder of tagged images, and reads which classes its images show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.records import checked
from zsl_runner.data.sources.image_folder.conf import TaggedFolderConf
from zsl_runner.data.sources.image_folder.files import pictures_by_name, split_names
from zsl_runner.data.sources.image_folder.pictures import read_pairs
from zsl_runner.data.sources.image_folder.source import folder_provenance
from zsl_runner.data.tagged.records import TaggedRecords
from zsl_runner.errors import DataError
from zsl_runner.files.names import normal, other_case, read_rows, some


def load(conf: TaggedFolderConf) -> TaggedRecords:
    """Load the images that belong to a split, in memory as bytes.

    Raises:
        DataError: files do not belong together, cannot be read, or are not what the options say; see `read_tags` and
            `read_pairs`.
    """
    images = pictures_by_name(conf.folder(conf.images))
    masks = {} if conf.masks is None else pictures_by_name(conf.folder(conf.masks))
    if without := sorted(masks.keys() - images.keys()):
        raise DataError(
            f"{conf.folder(conf.masks or '')}: expected masks of images in {conf.images}, of the same name without its "
            f"ending; {len(without)} masks have no image: {some(without)}{other_case(without, sorted(images))}"
        )
    names = sorted(images)
    used, rows = split_names(conf, names)
    tags = read_tags(conf.folder(conf.tags), names, used, conf.classes)
    pairs = read_pairs([(images[name], masks.get(name)) for name in used], conf)
    semantics = f"tags of {len(conf.classes) - 1} classes: {', '.join(conf.classes[1:])}"
    records = TaggedRecords(
        name=conf.name,
        images=pairs.images,
        tags=np.stack([tags[name] for name in used]),
        class_names=tuple(conf.classes),
        provenance=folder_provenance(conf, semantics, pairs, len(names) - len(used)),
        masks=pairs.labels if masks else None,
        names=tuple(used),
        file_sizes=pairs.sizes,
        **rows,
    )
    return checked(records, str(conf.folder("")))


def read_tags(
    path: Path, names: Sequence[str], needed: Sequence[str], classes: Sequence[str]
) -> dict[str, NDArray[np.bool_]]:
    """Return for each image (K - 1,) which classes but the background it shows, by its name.

    Args:
        path: a text file, in each line the name of an image and its tags with commas between.
        names: of all images, in the form of `normal`.
        needed: those that must have tags.
        classes: K names, that of the background first.

    Raises:
        DataError: a line names no image, an image twice, no tag or an unknown one; an image has no line.
    """
    known = set(names)
    labels = {normal(name): label for label, name in enumerate(classes)}
    tags: dict[str, NDArray[np.bool_]] = {}
    for name, *shown in read_rows(path, "names and tags"):
        if name not in known:
            raise DataError(
                f"{path}: expected names of images without their ending; no image is called "
                f"{name}{other_case([name], names)}"
            )
        if not shown or shown == [""]:
            raise DataError(f"{path}: {name}: expected at least one tag, found none; leave the image out of the folder")
        if name in tags:
            raise DataError(f"{path}: {name!r} is there twice; an image has one line with all its tags")
        unknown = [tag for tag in shown if tag not in labels]
        if unknown:
            raise DataError(
                f"{path}: {name}: expected tags among {some(classes[1:])}, found {some(unknown)}"
                f"{other_case(unknown, classes)}; name all classes in dataset.classes"
            )
        if classes[0] in shown:
            raise DataError(f"{path}: {name}: {classes[0]!r} is the background, which is no tag; leave it out")
        tags[name] = np.isin(np.arange(1, len(classes)), [labels[tag] for tag in shown])
    if without := [name for name in needed if name not in tags]:
        raise DataError(f"{path}: expected a line for each image, found none for {len(without)}: {some(without)}")
    return tags
