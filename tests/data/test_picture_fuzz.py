"""Folders of pictures spoilt at random: the loaders refuse them with a word, or read what the reference reads."""

import contextlib
import os
import random
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from zsl_runner.data.load import load
from zsl_runner.data.sources.image_folder.conf import ImageFolderConf
from zsl_runner.data.sources.pictures.conf import ImageClassesConf
from zsl_runner.data.sources.pictures.walk import ENDINGS
from zsl_runner.errors import DataError

SIDE = 16


def make_classes(root, draw):
    """Three classes of six pictures of 16 x 20 pixels."""
    for kind in ("cat", "dog", "über"):
        for number in range(6):
            save(root / kind / f"{number}.png", noise(draw, (20, 16, 3)))


def make_pairs(root, draw):
    """Twelve images of 16 x 20 pixels and masks of two classes."""
    for number in range(12):
        save(root / "images" / f"{number}.png", noise(draw, (20, 16, 3)))
        save(root / "masks" / f"{number}.png", noise(draw, (20, 16)) % 2)


def noise(draw, shape):
    return np.random.default_rng(draw.getrandbits(32)).integers(0, 256, shape).astype(np.uint8)


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def some_picture(root, draw):
    return draw.choice(sorted(path for path in root.rglob("*.png") if path.is_file() and not path.is_symlink()))


def truncated(root, draw):
    path = some_picture(root, draw)
    content = path.read_bytes()
    path.write_bytes(content[: draw.randrange(len(content))])


def with_a_byte_changed(root, draw):
    path = some_picture(root, draw)
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def in_another_mode(root, draw):
    path = some_picture(root, draw)
    mode = draw.choice(["1", "L", "P", "LA", "RGB", "RGBA", "I;16", "I", "F", "CMYK"])
    picture = Image.open(path)
    size, _ = picture.size[::-1], picture.close()
    deep = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
    if mode in deep:
        values = noise(draw, size).astype(deep[mode]) * draw.choice([1, 257])
        Image.fromarray(values / np.float32(255) if mode == "F" and draw.random() < 0.5 else values).save(
            path, "PNG" if mode == "I;16" else "TIFF"
        )
    else:
        changed = Image.fromarray(noise(draw, (*size, 4)), "RGBA").convert(mode)
        changed.save(path, "TIFF" if mode == "CMYK" else "PNG")


def turned(root, draw):
    path = some_picture(root, draw)
    exif = Image.Exif()
    exif[0x0112] = draw.randrange(10)
    picture = Image.open(path)
    picture.load()
    picture.save(path, "PNG", exif=exif)


def renamed(root, draw):
    path = some_picture(root, draw)
    name = draw.choice([".hidden.png", "x.PNG", "y.txt", "é.png", "e\u0301.png", "0", "a b.png", "new\nline.png"])
    if draw.random() < 0.2:
        name = os.fsdecode(b"caf\xe9.png")
    path.rename(path.with_name(name))


def with_a_link(root, draw):
    path = some_picture(root, draw)
    target = draw.choice([path.name, "nowhere", ".", "..", "link.png", "../.."])
    (path.parent / draw.choice(["link.png", "link", ".link", "link.txt"])).symlink_to(target)


def with_a_folder(root, draw):
    path = some_picture(root, draw)
    name = draw.choice([".ipynb_checkpoints", "deeper", "empty", "über", "u\u0308ber", "Cat"])
    folder = draw.choice([path.parent, root]) / name
    folder.mkdir(exist_ok=True)
    if draw.random() < 0.7:
        (folder / "copy.png").write_bytes(path.read_bytes())


def with_a_pipe(root, draw):
    os.mkfifo(some_picture(root, draw).parent / draw.choice(["pipe.png", "pipe", ".pipe.png"]))


def of_another_size(root, draw):
    save(some_picture(root, draw), noise(draw, (draw.randrange(1, 40), draw.randrange(1, 40), 3)))


SPOILS = [
    truncated,
    with_a_byte_changed,
    in_another_mode,
    turned,
    renamed,
    with_a_link,
    with_a_folder,
    with_a_pipe,
    of_another_size,
]


def reference(path):
    """Return what a viewer shows, by Pillow's own functions as far as these go."""
    with path.open("rb") as stream:
        picture = ImageOps.exif_transpose(Image.open(stream))
    if picture.mode == "I;16":
        return np.repeat(np.floor(np.asarray(picture) / 257 + 0.5).astype(np.uint8)[..., None], 3, 2)
    if picture.mode == "F":
        return np.repeat(np.floor(np.asarray(picture) * 255.0 + 0.5).astype(np.uint8)[..., None], 3, 2)
    pixels = np.asarray(picture.convert("RGBA")).astype(float)
    alpha = pixels[..., 3:] / 255
    return np.floor(pixels[..., :3] * alpha + 255 * (1 - alpha) + 0.5 + 1e-9).astype(np.uint8)


def visible_pictures(folder):
    """Return the paths of pictures by their parts in one Unicode form, in order, found in another way than the walk."""
    found = {}
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(place) / name
            if not name.startswith(".") and path.suffix.lower() in ENDINGS:
                parts = path.relative_to(folder).parts
                found[tuple(unicodedata.normalize("NFC", part) for part in parts)] = path
    return dict(sorted(found.items()))


def middle(pixels):
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    square = Image.fromarray(np.ascontiguousarray(pixels[top : top + side, left : left + side]))
    return np.asarray(square if side == SIDE else square.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def check_classes(root):
    records = load(ImageClassesConf(name="mine", root=str(root), side=SIDE))
    found = visible_pictures(root)
    assert [records.class_names[label] for label in records.labels] == [parts[0] for parts in found]
    for image, path in zip(records.images, found.values(), strict=True):
        np.testing.assert_array_equal(image.transpose(1, 2, 0), middle(reference(path)))


def check_pairs(root):
    records = load(ImageFolderConf(name="mine", root=str(root), side=None, shares=[0.6, 0.2, 0.2]))
    images, masks = ({stem(parts): path for parts, path in visible_pictures(root / below).items()}
                     for below in ("images", "masks"))  # fmt: skip
    assert images.keys() == masks.keys()
    for image, labels, name in zip(records.images, records.labels, sorted(images), strict=True):
        np.testing.assert_array_equal(image.transpose(1, 2, 0), reference(images[name]))
        with masks[name].open("rb") as stream:
            stored = np.asarray(ImageOps.exif_transpose(Image.open(stream)))
        np.testing.assert_array_equal(labels, stored)


def stem(parts):
    return "/".join((*parts[:-1], parts[-1].rpartition(".")[0]))


def spoilt(root, draw):
    """Spoil a folder in one to three ways and return their names."""
    done = draw.choices(SPOILS, k=draw.choice([1, 1, 2, 3]))
    for spoil in done:
        with contextlib.suppress(OSError, SyntaxError, ValueError):  # what an earlier way has left cannot be spoilt so
            spoil(root, draw)
    return ", ".join(spoil.__name__ for spoil in done)


def try_folders(tmp_path, count, first_seed):
    """Spoil ``count`` folders of each kind; return how many were read, and the words the others were refused with."""
    read, refused = 0, []
    for seed in range(first_seed, first_seed + count):
        draw = random.Random(seed)
        for make, check in ((make_classes, check_classes), (make_pairs, check_pairs)):
            root = tmp_path / f"{make.__name__}-{seed}"
            make(root, draw)
            done = spoilt(root, draw)
            try:
                check(root)
                read += 1
            except DataError as error:
                refused.append((root, str(error)))
            except BaseException as error:
                error.add_note(f"{root}: {done}")
                raise
    return read, refused


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow's, by the reference
def test_spoilt_folders_are_refused_or_read_as_a_viewer_would(tmp_path):
    read, refused = try_folders(tmp_path, 40, 0)
    assert read > 15
    assert len(refused) > 15
    for root, message in refused:
        assert str(root).encode() in message.encode()  # what is wrong is named, and can be printed


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_many_spoilt_folders(tmp_path):
    read, refused = try_folders(tmp_path, 1500, 1000)
    assert read > 500
    assert len(refused) > 500
    for root, message in refused:
        assert str(root).encode() in message.encode()
