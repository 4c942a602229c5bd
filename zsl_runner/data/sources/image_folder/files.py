"""Finds the files of a folder of images and masks, and who belongs to which split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from zsl_runner.data.records import Rows
from zsl_runner.data.sources.image_folder.conf import LISTS, ImageFolderConf, PictureFolderOptions
from zsl_runner.data.sources.pictures.shares import drawn_split
from zsl_runner.data.sources.pictures.walk import pictures_below
from zsl_runner.errors import DataError
from zsl_runner.files.names import other_case, read_names, some

PLACES: Final = "check dataset.root, dataset.images and dataset.masks"


def paired_files(conf: ImageFolderConf) -> dict[str, tuple[Path, Path]]:
    """Return the image and the mask of each name, by name in ascending order.

    A name is the path below the folder without its ending, in the form of `normal`.

    Raises:
        DataError: see `pictures_below`; a name occurs twice, an image or a mask stands alone.
    """
    images, masks = pictures_by_name(conf.folder(conf.images)), pictures_by_name(conf.folder(conf.masks))
    without_mask, without_image = sorted(images.keys() - masks.keys()), sorted(masks.keys() - images.keys())
    if without_mask or without_image:
        found = []
        if without_mask:
            found.append(f"{len(without_mask)} images have no mask: {some(without_mask)}")
        if without_image:
            found.append(f"{len(without_image)} masks have no image: {some(without_image)}")
        raise DataError(
            f"{conf.folder('')}: expected a mask in {conf.masks} for each image in {conf.images}, of the same name "
            f"without its ending; {'; '.join(found)}{other_case(without_mask, without_image)}"
        )
    return {name: (images[name], masks[name]) for name in sorted(images)}


def split_names(conf: PictureFolderOptions, names: Sequence[str]) -> tuple[list[str], dict[str, Rows]]:
    """Return those of ``names`` that belong to a split, in their order, and where among them those of each split are.

    Raises:
        DataError: a list is missing, names an unknown image, or one image twice; a split is empty.
    """
    if conf.shares is not None:
        drawn = drawn_split(len(names), conf.shares, conf.split_seed, conf.folder(conf.images))
        return list(names), {split: np.sort(rows) for split, rows in drawn.items()}
    places = {name: place for place, name in enumerate(names)}
    listed: dict[str, str] = {}
    rows = {}
    for split, file in LISTS.items():
        path = conf.folder(file)
        wanted = read_names(path, "names")
        if not wanted:
            raise DataError(f"{path}: expected the name of an image in each line, found none")
        unknown = [name for name in wanted if name not in places]
        if unknown:
            raise DataError(
                f"{path}: expected names of images in {conf.images} without their ending; "
                f"no image is called {some(unknown)}{other_case(unknown, names)}"
            )
        for name in wanted:
            if name in listed:
                raise DataError(f"{path}: {name!r} is also in {listed[name]}; an image belongs to one split, once")
            listed[name] = file
        rows[split] = np.array([places[name] for name in wanted], dtype=np.int64)
    used = np.sort(np.concatenate(list(rows.values())))
    return [names[row] for row in used], {split: np.searchsorted(used, found) for split, found in rows.items()}


def pictures_by_name(folder: Path, remedy: str = PLACES) -> Mapping[str, Path]:
    """Return the pictures in a folder and below it by their names, see `paired_files`.

    Args:
        folder: where to look.
        remedy: what to do if there is none.

    Raises:
        DataError: see `pictures_below`; two have one name.
    """
    found: dict[str, Path] = {}
    for picture in pictures_below(folder, remedy).pictures:
        name, path = picture.stem, picture.path
        if name in found:
            raise DataError(f"{path}: another file, {found[name].name}, has the same name without its ending")
        found[name] = path
    return found
