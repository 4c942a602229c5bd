"""Loads a folder of tagged images."""

from __future__ import annotations

import numpy as np

from zsl_runner.data.records import SourceFile, checked
from zsl_runner.data.segmentation.records import SPLITS
from zsl_runner.data.sources.image_folder.files import pictures_by_name, split_rows
from zsl_runner.data.sources.image_folder.pictures import read_pairs
from zsl_runner.data.sources.image_folder.source import folder_contents, folder_provenance
from zsl_runner.data.sources.pictures.pixels import notes_on
from zsl_runner.data.sources.tagged_folder.conf import TaggedFolderConf
from zsl_runner.data.sources.tagged_folder.tags import read_tags
from zsl_runner.data.tagged.records import TaggedRecords
from zsl_runner.errors import DataError
from zsl_runner.files.names import other_case, some


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
    rows = split_rows(conf, names)
    used = np.sort(np.concatenate(list(rows.values())))
    drawn = [names[row] for row in used]
    tags = read_tags(conf.folder(conf.tags), names, drawn, conf.classes)
    pairs = read_pairs([(images[name], masks.get(name)) for name in drawn], conf)
    places = {split: np.searchsorted(used, rows[split]) for split in SPLITS}
    semantics = f"tags of {len(conf.classes) - 1} classes: {', '.join(conf.classes[1:])}"
    read = contents(conf), notes_on(pairs.changes)
    records = TaggedRecords(
        name=conf.name,
        images=pairs.images,
        tags=np.stack([tags[name] for name in drawn]),
        class_names=tuple(conf.classes),
        provenance=folder_provenance(conf, semantics, len(names), rows, pairs.labels.shape[1:], read),
        masks=pairs.labels if masks else None,
        names=tuple(drawn),
        **places,
    )
    return checked(records, str(conf.folder("")))


def contents(conf: TaggedFolderConf) -> tuple[SourceFile, ...]:
    """Return the folders, each with one checksum over the names and contents of its pictures, the tags and the lists.

    Raises:
        DataError: a folder is missing or has no picture, or a file cannot be read.
    """
    return folder_contents(conf, (conf.images, *([] if conf.masks is None else [conf.masks])))
