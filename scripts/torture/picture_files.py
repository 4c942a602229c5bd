"""Mutations of folders of pictures, of masks, and of lists of names."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from scripts.torture import inputs
from scripts.torture.mutation import Mutation, Records, cut, flip, harmless, one_of

Pixels = NDArray[np.uint8]
ORIENTATION = 0x0112
FORMS: Final[tuple[Literal["NFC", "NFD"], Literal["NFC", "NFD"]]] = ("NFC", "NFD")


def write_classes(root: Path) -> Path:
    """Write two classes of pictures."""
    return inputs.write_pictures(root)


def write_masked(root: Path) -> Path:
    """Write images and masks."""
    return inputs.write_masked(root)


def write_listed(root: Path) -> Path:
    """Write images and masks with lists of names."""
    inputs.write_masked(root)
    names = [f"im{number:02d}" for number in range(inputs.PICTURES)]
    for file, part in (("train", names[:6]), ("validation", names[6:8]), ("test", names[8:])):
        (root / f"{file}.txt").write_text("\n".join(part) + "\n")
    return root


def _replaced(root: Path, path: Path, shown: Pixels) -> Callable[[Records], Records]:
    """Return what puts other pixels (H, W, 3) into the row of a picture; rows are in the order of the paths."""
    folder = root / "images" if (root / "images").is_dir() else root
    row = sorted(path for path in folder.rglob("*") if path.is_file()).index(path)

    def expected(records: Records) -> Records:
        images = records["images"].copy()
        images[row] = shown.transpose(2, 0, 1)
        return {**records, "images": images}

    return expected


def _picture(draw: np.random.Generator, root: Path) -> Path:
    return one_of(draw, root / "images" if (root / "images").is_dir() else root, "*.png")


def truncated(draw: np.random.Generator, root: Path) -> Mutation:
    """Cut a picture: what is left is no whole picture."""
    path = _picture(draw, root)
    return Mutation(cut(draw, path), (path.name,), lambda records: records)


def flipped(draw: np.random.Generator, root: Path) -> Mutation:
    """Change a bit of a picture: refused, or the pixels another reader sees."""
    path = _picture(draw, root)
    told = flip(draw, path)
    try:
        shown = np.asarray(Image.open(path).convert("RGB"))
        expected = _replaced(root, path, shown)
        expected({"images": np.zeros((100, 3, *shown.shape[:2]), np.uint8)})
    except Exception:  # Pillow's readers raise whatever the bytes lead them to
        return Mutation(told, (path.name,))
    return Mutation(told, (path.name,), expected)


def oriented(draw: np.random.Generator, root: Path) -> Mutation:
    """Store an orientation: pixels are as a viewer shows them."""
    path = _picture(draw, root)
    exif = Image.Exif()
    exif[ORIENTATION] = int(draw.integers(1, 9))
    Image.open(path).convert("RGB").save(path, exif=exif)
    shown = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    is_masked = (root / "images").is_dir()
    if is_masked and exif[ORIENTATION] >= 5:  # other sides than its mask
        return Mutation(f"{path.name} orientation {exif[ORIENTATION]}", (path.name,))
    return Mutation(
        f"{path.name} orientation {exif[ORIENTATION]}", (), _replaced(root, path, shown), may_be_refused=False
    )


def other_mode(draw: np.random.Generator, root: Path) -> Mutation:
    """Store the same picture in another mode that loses nothing."""
    path = _picture(draw, root)
    picture = Image.open(path).convert("RGB")
    pixels = np.asarray(picture)
    how = ("opaque alpha", "16 bits", "palette", "grey with alpha", "interlaced")[draw.integers(5)]
    if how == "16 bits":
        grey = np.asarray(picture.convert("L"))
        Image.fromarray(grey.astype(np.uint16) * 257).save(path)
        shown = np.repeat(grey[..., None], 3, -1)
        return Mutation(f"{path.name} as {how}", (path.name,), _replaced(root, path, shown), may_be_refused=False)
    if how == "palette":
        levels = pixels // 16 * 16
        levels[..., 1:] = levels[..., :1]
        Image.fromarray(levels).quantize(256).save(path)
        shown = np.asarray(Image.open(path).convert("RGB"))
        return Mutation(f"{path.name} as {how}", (path.name,), _replaced(root, path, shown), may_be_refused=False)
    if how == "opaque alpha":
        picture.convert("RGBA").save(path)
        return harmless(f"{path.name} with {how}")
    if how == "grey with alpha":
        picture.convert("LA").save(path)
        shown = np.asarray(picture.convert("L").convert("RGB"))
        return Mutation(f"{path.name} as {how}", (path.name,), _replaced(root, path, shown), may_be_refused=False)
    picture.save(path, optimize=True)
    return harmless(f"{path.name} saved again")


def hidden(draw: np.random.Generator, root: Path) -> Mutation:
    """Leave hidden files and folders, and files that are no pictures, at any level."""
    levels = [root, *(path for path in root.rglob("*") if path.is_dir())]
    folder = levels[draw.integers(len(levels))]
    source = _picture(draw, root)
    how = int(draw.integers(5))
    if how == 0:
        (folder / ".ipynb_checkpoints").mkdir()
        shutil.copy(source, folder / ".ipynb_checkpoints" / "00-checkpoint.png")
    elif how == 1:
        shutil.copy(source, folder / "._00.png")
    elif how == 2:
        (folder / "Thumbs.db").write_bytes(b"x")
        (folder / "README.txt").write_text("x")
    elif how == 3:
        (folder / ".a" / "b" / "c").mkdir(parents=True)
        shutil.copy(source, folder / ".a" / "b" / "c" / "x.png")
    else:
        (folder / ".DS_Store").write_bytes(b"x")
    return harmless(f"way {how} in {folder.name}")


def linked(draw: np.random.Generator, root: Path) -> Mutation:
    """Put a link in the place of a picture or of its folder."""
    path = _picture(draw, root)
    target = path if draw.random() < 0.5 else path.parent
    elsewhere = root.parent / f"elsewhere{target.suffix}"
    os.rename(target, elsewhere)
    target.symlink_to(elsewhere)
    return harmless(f"{target.name} is a link")


def loop(draw: np.random.Generator, root: Path) -> Mutation:
    """Put a link that names itself, nothing, or a folder above it."""
    path = _picture(draw, root)
    how = int(draw.integers(3))
    link = path.parent / ("zz.png" if how < 2 else "zz")
    link.symlink_to((link, root / "nowhere", path.parent)[how])
    return Mutation(f"a link, way {how}", (link.name, "link"), lambda records: records)


def no_picture(draw: np.random.Generator, root: Path) -> Mutation:
    """Put something else in a picture's place."""
    path = _picture(draw, root)
    how = int(draw.integers(4))
    contents = (b"", b"<html></html>", draw.bytes(400), b"\x89PNG\r\n\x1a\n" + b"\0" * 60)
    path.write_bytes(contents[how])
    return Mutation(f"{path.name}, way {how}", (path.name,))


def other_ending(draw: np.random.Generator, root: Path) -> Mutation:
    """Write an ending in capitals, or another one than the content's."""
    path = _picture(draw, root)
    ending = (".PNG", ".Png", ".jpg")[draw.integers(3)]
    path.rename(path.with_suffix(ending))
    return harmless(f"{path.stem}{ending}")


def other_size(draw: np.random.Generator, root: Path) -> Mutation:
    """Change the sides of one picture."""
    path = _picture(draw, root)
    Image.open(path).resize((50, 48)).save(path)
    return Mutation(path.name, (path.name,))


def empty_class(draw: np.random.Generator, root: Path) -> Mutation:
    """Make a class without pictures: it is told, not left out."""
    (root / "empty").mkdir()
    return Mutation("a class without pictures", ("empty",), lambda records: records)


def one_class(draw: np.random.Generator, root: Path) -> Mutation:
    """Leave one class, or pictures beside the classes."""
    if draw.random() < 0.5:
        shutil.rmtree(root / "bar")
    else:
        shutil.copy(root / "bar" / "00.png", root / "loose.png")
    return Mutation("one class or loose pictures", (root.name,))


def composed_name(draw: np.random.Generator, root: Path) -> Mutation:
    """Name a class with an accent in one Unicode form; it stays a class of the same pictures."""
    form = FORMS[draw.integers(2)]
    (root / "square").rename(root / unicodedata.normalize(form, "squaré"))

    def expected(records: Records) -> Records:
        return {**records, "class_names": ("bar", unicodedata.normalize("NFC", "squaré"))}

    return Mutation(f"a name in {form}", (), expected, may_be_refused=False)


def unpaired(draw: np.random.Generator, root: Path) -> Mutation:
    """Remove or rename an image or a mask, or give it a namesake."""
    path = one_of(draw, root / ("images", "masks")[draw.integers(2)], "*.png")
    how = int(draw.integers(3))
    if how == 0:
        path.unlink()
    elif how == 1:
        path.rename(path.with_name("other.png"))
    else:
        Image.open(path).save(path.with_suffix(".bmp"))
    return Mutation(f"{path.parent.name}/{path.name}, way {how}", (path.stem, "other"))


def wrong_mask(draw: np.random.Generator, root: Path) -> Mutation:
    """Give a mask another size, other values or another mode."""
    path = one_of(draw, root / "masks", "*.png")
    mask = np.asarray(Image.open(path))
    how = int(draw.integers(4))
    pictures = (
        Image.fromarray(mask).resize((39, 32)),
        Image.fromarray(mask * np.uint8(7)),
        Image.fromarray(mask.astype(np.float32)).convert("RGB"),
        Image.fromarray(mask.astype(np.uint16) + 300),
    )
    pictures[how].save(path)
    return Mutation(f"{path.name}, way {how}", (path.name,))


def no_foreground(draw: np.random.Generator, root: Path) -> Mutation:
    """Let every mask be 0 and 255, or all background: a class has no pixel."""
    value = (255, 0)[draw.integers(2)]
    for path in (root / "masks").iterdir():
        Image.fromarray(np.asarray(Image.open(path)) * np.uint8(value)).save(path)
    return Mutation(f"foreground {value}", ("foreground",))


def palette_mask(draw: np.random.Generator, root: Path) -> Mutation:
    """Store a mask as a palette picture or with one bit, which means the same."""
    path = one_of(draw, root / "masks", "*.png")
    mask = np.asarray(Image.open(path))
    if draw.random() < 0.5:
        picture = Image.fromarray(mask, mode="P")
        picture.putpalette([0, 0, 0, 200, 30, 30])
    else:
        picture = Image.fromarray(mask.astype(bool))
    picture.save(path)
    return harmless(path.name)


def list_written_otherwise(draw: np.random.Generator, root: Path) -> Mutation:
    """Write a list with other line ends, a mark, blanks or as UTF-16: it names the same images."""
    path = one_of(draw, root, "*.txt")
    text = path.read_text()
    how = int(draw.integers(6))
    contents = (
        b"\xef\xbb\xbf" + text.encode(),
        text.replace("\n", "\r\n").encode(),
        text.rstrip("\n").encode(),
        ("\n\n" + text.replace("\n", " \n\n")).encode(),
        b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
        text.replace("\n", "\t\n").encode(),
    )
    path.write_bytes(contents[how])
    return harmless(f"{path.name}, way {how}")


def wrong_list(draw: np.random.Generator, root: Path) -> Mutation:
    """Write a list that is empty, no text, names an unknown image or one twice, or is missing."""
    path = one_of(draw, root, "*.txt")
    text = path.read_text()
    first = text.splitlines()[0]
    how = int(draw.integers(8))
    if how == 7:
        path.unlink()
        return Mutation(f"no {path.name}", (path.name,))
    contents = (
        b"",
        b"\n \n",
        b"\xff\xfe" + text.encode("utf-16-le"),
        text.encode() + b"nothing\n",
        text.encode() + first.encode(),
        text.replace("im", "IM").encode(),
        text.encode() + b"\xff\n",
    )
    path.write_bytes(contents[how])
    if how == 2:  # either read as what its mark says, or refused
        return Mutation(f"{path.name} as UTF-16", (path.name,), lambda records: records)
    return Mutation(f"{path.name}, way {how}", (path.name,))


def overlapping_lists(draw: np.random.Generator, root: Path) -> Mutation:
    """Name an image in two lists."""
    with (root / "test.txt").open("a") as file:
        file.write("im00\n")
    return Mutation("im00 in two lists", ("im00",))


def accented_list(draw: np.random.Generator, root: Path) -> Mutation:
    """Name an image with an accent in one Unicode form, and its file in the other."""
    forms = FORMS if draw.random() < 0.5 else FORMS[::-1]
    for folder in ("images", "masks"):
        (root / folder / "im00.png").rename(root / folder / f"{unicodedata.normalize(forms[0], 'ié00')}.png")
    path = root / "train.txt"
    path.write_text(path.read_text().replace("im00", unicodedata.normalize(forms[1], "ié00")), encoding="utf-8")
    return Mutation(f"the file in {forms[0]}, the list in {forms[1]}", ("train.txt",), _rolled, may_be_refused=False)


def _rolled(records: Records) -> Records:
    """Return records whose first row has become the last, for its name sorts so; lists keep their order."""
    last = len(records["images"]) - 1
    return {
        **records,
        **{key: np.roll(records[key], -1, axis=0) for key in ("images", "labels")},
        "train": np.where(records["train"] == 0, last, records["train"] - 1),
        "validation": records["validation"] - 1,
        "test": records["test"] - 1,
    }


PICTURES: dict[str, Callable[[np.random.Generator, Path], Mutation]] = {
    "cut": truncated,
    "a bit": flipped,
    "an orientation": oriented,
    "another mode": other_mode,
    "something hidden": hidden,
    "a link": linked,
    "a link to nowhere": loop,
    "no picture": no_picture,
    "another ending": other_ending,
    "another size": other_size,
}
CLASSES = PICTURES | {"an empty class": empty_class, "one class": one_class, "a name with an accent": composed_name}
MASKED = PICTURES | {
    "unpaired": unpaired,
    "a wrong mask": wrong_mask,
    "no foreground": no_foreground,
    "a palette mask": palette_mask,
}
LISTS: dict[str, Callable[[np.random.Generator, Path], Mutation]] = {
    "written otherwise": list_written_otherwise,
    "a wrong list": wrong_list,
    "overlapping": overlapping_lists,
    "an accent": accented_list,
}
