"""From a file to pixels: every mode, depth, ground and orientation against what the file was made from."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageOps

from zsl_runner.data.sources.image_folder.pictures import read_colours, read_values
from zsl_runner.data.sources.pictures.decoding import ORIENTATION, upright
from zsl_runner.data.sources.pictures.pixels import DEEPER, FRAMES, LAID, TURNED, notes_on, read_image
from zsl_runner.errors import DataError

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))
PATTERN = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
"""Two rows of three pixels, all different: no two orientations show it alike."""

AS_SHOWN = {
    1: [[0, 1, 2], [3, 4, 5]],
    2: [[2, 1, 0], [5, 4, 3]],
    3: [[5, 4, 3], [2, 1, 0]],
    4: [[3, 4, 5], [0, 1, 2]],
    5: [[0, 3], [1, 4], [2, 5]],
    6: [[3, 0], [4, 1], [5, 2]],
    7: [[5, 2], [4, 1], [3, 0]],
    8: [[2, 5], [1, 4], [0, 3]],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pictures")


def written(folder, picture, ending, **options):
    path = folder / f"picture.{ending}"
    picture.save(path, **options)
    return path


def grey(path):
    return read_image(path, colour=False).pixels


def colours(path):
    return read_image(path, colour=True).pixels


def luminance(pixels):
    weights = np.array([19595, 38470, 7471])  # of 65,536: 0.299, 0.587, 0.114
    return ((pixels[..., :3].astype(np.int64) @ weights + 32768) >> 16).astype(np.uint8)


def on_white(pixels, alpha):
    share = alpha[..., None] / 255
    return np.floor(pixels * share + 255 * (1 - share) + 0.5 + 1e-9).astype(np.uint8)


def byte_arrays(data, channels=()):
    return data.draw(arrays(np.uint8, SHAPES.map(lambda shape: (*shape, *channels))))


def tagged(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


@settings(max_examples=40, deadline=None)
@given(data=st.data(), ending=st.sampled_from(["png", "bmp", "tif", "pgm", "gif"]))
def test_eight_bit_greys_are_as_stored(folder, data, ending):
    values = byte_arrays(data)
    path = written(folder, Image.fromarray(values), ending)
    np.testing.assert_array_equal(grey(path), values)
    np.testing.assert_array_equal(colours(path), np.repeat(values[..., None], 3, 2))
    if ending != "gif":  # its values are numbers of a palette that Pillow makes
        np.testing.assert_array_equal(read_values(path), values)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), ending=st.sampled_from(["png", "bmp", "tif", "ppm", "webp"]))
def test_colours_are_as_stored_and_grey_is_their_luminance(folder, data, ending):
    values = byte_arrays(data, (3,))
    path = written(folder, Image.fromarray(values), ending, **({"lossless": True} if ending == "webp" else {}))
    np.testing.assert_array_equal(colours(path), values)
    np.testing.assert_array_equal(grey(path), luminance(values))
    np.testing.assert_array_equal(read_colours(path), values.astype(int) @ (65536, 256, 1))
    with pytest.raises(DataError, match="found mode RGB; save it as 8-bit grey"):
        read_values(path)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), ending=st.sampled_from(["png", "tif", "webp"]))
def test_transparent_pixels_are_laid_on_white(folder, data, ending):
    values = byte_arrays(data, (4,))
    path = written(
        folder, Image.fromarray(values), ending, **({"lossless": True, "exact": True} if ending == "webp" else {})
    )
    expected = on_white(values[..., :3], values[..., 3])
    np.testing.assert_array_equal(colours(path), expected)
    np.testing.assert_array_equal(grey(path), luminance(expected))
    assert (LAID in read_image(path, colour=True).changes) == bool((values[..., 3] < 255).any())


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_transparent_greys_are_laid_on_white(folder, data):
    values = byte_arrays(data, (2,))
    path = written(folder, Image.fromarray(values), "png")
    assert Image.open(path).mode == "LA"
    np.testing.assert_array_equal(grey(path), on_white(values[..., :1], values[..., 1])[..., 0])


@settings(max_examples=30, deadline=None)
@given(data=st.data(), ending=st.sampled_from(["png", "gif", "tif"]), clear=st.none() | st.integers(0, 255))
def test_palettes_show_their_colours_and_masks_hold_their_numbers(folder, data, ending, clear):
    values = byte_arrays(data)
    palette = data.draw(arrays(np.uint8, (256, 3)))
    picture = Image.frombytes("P", values.shape[::-1], values.tobytes())
    picture.putpalette(palette.tobytes())
    options = {} if clear is None or ending == "tif" else {"transparency": clear}
    if ending == "gif":
        options["optimize"] = False
    path = written(folder, picture, ending, **options)
    assert Image.open(path).mode == "P"
    expected = palette[values]
    np.testing.assert_array_equal(read_colours(path), expected.astype(int) @ (65536, 256, 1))
    if "transparency" in options:
        expected = np.where((values == clear)[..., None], 255, expected)
    np.testing.assert_array_equal(colours(path), expected)
    np.testing.assert_array_equal(read_values(path), values)


@settings(max_examples=20, deadline=None)
@given(values=arrays(np.bool_, SHAPES), ending=st.sampled_from(["png", "bmp", "tif", "pgm"]))
def test_one_bit_is_black_and_white_and_in_masks_zero_and_one(folder, values, ending):
    path = written(folder, Image.fromarray(values), ending)
    np.testing.assert_array_equal(grey(path), values * 255)
    np.testing.assert_array_equal(read_values(path), values)
    np.testing.assert_array_equal(read_values(path, white=255), values * 255)


@settings(max_examples=30, deadline=None)
@given(values=arrays(np.uint16, SHAPES), ending=st.sampled_from(["png", "tif", "pgm"]))
def test_sixteen_bits_are_scaled_by_their_range_and_labels_kept(folder, values, ending):
    path = written(folder, Image.fromarray(values), ending)
    np.testing.assert_array_equal(grey(path), np.floor(values / 257 + 0.5))
    np.testing.assert_array_equal(read_values(path), values)
    assert read_image(path, colour=True).changes == (DEEPER,)


@settings(max_examples=20, deadline=None)
@given(data=st.data(), ending=st.sampled_from(["png", "tif", "pgm"]))
def test_a_byte_in_sixteen_bits_is_that_byte(folder, data, ending):
    values = byte_arrays(data)
    path = written(folder, Image.fromarray(values.astype(np.uint16) * 257), ending)
    np.testing.assert_array_equal(grey(path), values)


def tiff(values, *, bits, kind, photometric=1, order="<"):
    """Return a TIFF of one grey channel without compression, as other programs than Pillow write them."""
    height, width = values.shape
    raw = values.astype(values.dtype.newbyteorder(order)).tobytes()
    tags = [
        (256, width),
        (257, height),
        (258, bits),
        (259, 1),
        (262, photometric),
        (273, 8),
        (277, 1),
        (278, height),
        (279, len(raw)),
        (339, kind),
    ]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(raw))
    table = struct.pack(f"{order}H", len(tags))
    for tag, value in tags:
        table += struct.pack(f"{order}HHII", tag, 4, 1, value)
    return head + raw + table + b"\0\0\0\0"


@settings(max_examples=40, deadline=None)
@given(data=st.data(), order=st.sampled_from("<>"))
def test_other_depths_are_scaled_by_their_range(folder, data, order):
    path = folder / "deep.tif"
    names = [("int16", 16, 2), ("int32", 32, 2), ("float32", 32, 3), ("uint16", 16, 1)]
    name, bits, kind = data.draw(st.sampled_from([*names, ("uint32", 32, 1)] if order == "<" else names))
    if kind == 3:
        low, high = 0.0, 1.0
        values = data.draw(arrays(np.float32, SHAPES, elements=st.floats(0, 1, width=32)))
    else:
        low, high = 0, int(np.iinfo(name).max)
        values = data.draw(arrays(np.dtype(name), SHAPES, elements=st.integers(low, high)))
        values[0, 0] = high  # so that not all is black
        path.write_bytes(tiff(values, bits=bits, kind=kind, order=order))
        np.testing.assert_array_equal(read_values(path), values)
    path.write_bytes(tiff(values, bits=bits, kind=kind, order=order))
    np.testing.assert_array_equal(grey(path), np.floor(values.astype(np.float64) / high * 255 + 0.5))


def test_one_value_of_sixteen_bits_may_be_transparent(folder):
    picture = Image.fromarray(np.array([[0, 257, 514]], np.uint16))
    path = written(folder, picture, "png", transparency=257)
    assert Image.open(path).info["transparency"] == 257
    np.testing.assert_array_equal(grey(path), [[0, 255, 2]])
    np.testing.assert_array_equal(read_values(path), [[0, 257, 514]])


def test_where_zero_is_white_greys_are_turned_round(folder):
    path = folder / "white.tif"
    path.write_bytes(tiff(np.array([[0, 257, 65535]], np.uint16), bits=16, kind=1, photometric=0))
    np.testing.assert_array_equal(grey(path), [[255, 254, 0]])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([[0, 0.5, 1.5]], np.float32), "expected floating-point grey values from 0 .* found 0 to 1.5; scale"),
        (np.array([[-0.5, 0.5]], np.float32), "found -0.5 to 0.5"),
        (np.array([[0, np.nan]], np.float32), "found nan to nan"),
        (np.array([[0, -7]], np.int32), "expected grey values from 0 to 2,147,483,647, found -7"),
        (np.array([[0, 255]], np.int32), "the largest is 255: all would be black; save it with 8 or 16 bits"),
    ],
)
def test_depths_whose_white_nobody_knows_are_refused_and_never_clipped(folder, values, message):
    path = written(folder, Image.fromarray(values), "tif")
    with pytest.raises(DataError, match=message) as caught:
        grey(path)
    assert str(path) in str(caught.value)


def test_fractions_are_no_labels(folder):
    path = written(folder, Image.fromarray(np.array([[0.0, 1.0]], np.float32)), "tif")
    with pytest.raises(DataError, match="whose values are labels, found mode F"):
        read_values(path)


@pytest.mark.parametrize("comment", [b"", b"# made by hand\n"])
@pytest.mark.parametrize("largest", [1, 20, 254, 255, 300, 65535])
def test_labels_of_a_pgm_are_those_in_the_file_whatever_its_largest_value(folder, largest, comment):
    path, values = folder / "mask.pgm", np.linspace(0, largest, 24).astype(int).reshape(4, 6)
    plain = b"P2\n" + comment + f"6 4 {largest}\n{' '.join(map(str, values.ravel()))}\n".encode()
    raw = b"P5\n" + comment + f"6 4\n{largest}\n".encode() + values.astype(">u2" if largest > 255 else "u1").tobytes()
    for content in (plain, raw):
        path.write_bytes(content)
        np.testing.assert_array_equal(read_values(path), values)


def test_cmyk_is_shown_as_light(folder):
    values = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    path = written(folder, Image.fromarray(values, "CMYK"), "tif")
    light = (255 - values[..., :3].astype(float)) * (255 - values[..., 3:]) / 255
    assert np.abs(colours(path) - light).max() <= 1  # Pillow rounds twice
    with pytest.raises(DataError, match="found mode CMYK; save it as an RGB PNG"):
        read_colours(path)


def test_the_first_frame_counts(folder):
    frames = [Image.fromarray(np.full((4, 5), value, np.uint8)) for value in (30, 60, 90)]
    for ending in ("gif", "tif", "png", "webp"):
        options = {"lossless": True} if ending == "webp" else {}
        path = written(folder, frames[0], ending, save_all=True, append_images=frames[1:], **options)
        shown = read_image(path, colour=False)
        np.testing.assert_array_equal(shown.pixels, np.full((4, 5), 30))
        assert shown.changes == (FRAMES,)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(folder, orientation):
    expected = np.array(AS_SHOWN[orientation]) * 40
    np.testing.assert_array_equal(upright(PATTERN, orientation), expected)
    for ending in ("png", "tif", "webp"):
        options = {"lossless": True} if ending == "webp" else {}
        path = written(folder, Image.fromarray(PATTERN), ending, exif=tagged(orientation), **options)
        np.testing.assert_array_equal(grey(path), expected)
        with path.open("rb") as stream:  # Pillow spoils these TIFF files when it opens them by their path
            reference = np.asarray(ImageOps.exif_transpose(Image.open(stream)).convert("L"))
        np.testing.assert_array_equal(reference, expected)
        if ending != "webp":  # masks are turned, too
            np.testing.assert_array_equal(read_values(path), expected)
            np.testing.assert_array_equal(read_colours(path), expected * 0x010101)
        if ending != "tif":  # Pillow turns these itself
            assert (TURNED in read_image(path, colour=True).changes) == (orientation != 1)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), orientation=st.integers(0, 9))
def test_orientation_is_that_of_pillow_for_any_picture(folder, data, orientation):
    picture = Image.fromarray(byte_arrays(data, (3,)))
    for ending in ("jpg", "png"):
        path = written(folder, picture, ending, exif=tagged(orientation))
        np.testing.assert_array_equal(colours(path), np.asarray(ImageOps.exif_transpose(Image.open(path))))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # by the reference
def test_metadata_that_cannot_be_read_turn_nothing(folder):
    for exif in (b"Exif\0\0", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02"):
        path = written(folder, Image.fromarray(PATTERN), "jpg", exif=exif, quality=100)
        np.testing.assert_array_equal(grey(path), np.asarray(Image.open(path)))


def test_what_cannot_be_read_is_named(folder, monkeypatch):
    path = folder / "bad.png"
    with pytest.raises(DataError, match=r"nowhere.png: cannot be read: No such file or directory$"):
        grey(folder / "nowhere.png")
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 50), dtype=np.uint8)).save(buffer, "png")
    for content in (b"", b"no picture", buffer.getvalue()[:300], b"\x89PNG\r\n\x1a\n"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"bad.png: cannot be read as a picture: .*; copy or export it again"):
            grey(path)
    path.write_bytes(buffer.getvalue())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DataError, match=r"bad.png: the picture is too large: .*save it with fewer pixels"):
        grey(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)  # Pillow warns up to twice as many
    assert grey(path).shape == (50, 50)


def test_notes_count_what_was_done():
    assert notes_on([TURNED, LAID, TURNED]) == (
        "2 pictures turned by their EXIF orientation",
        "1 picture with transparent pixels, laid on white",
    )
    assert notes_on([]) == ()
