"""The one walk over folders of pictures: what is found, followed, skipped and refused."""

import os
import random
import socket
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zsl_runner.data.sources.pictures import walk
from zsl_runner.data.sources.pictures.walk import pictures_below
from zsl_runner.errors import DataError

COMPOSED, TAKEN_APART = "é", "e\u0301"


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")


def names(folder):
    return [picture.name for picture in pictures_below(folder, "remedy").pictures]


def failure(folder):
    with pytest.raises(DataError) as caught:
        pictures_below(folder, "check dataset.root")
    return str(caught.value)


def test_pictures_are_found_at_every_depth_and_hidden_entries_are_not(tmp_path):
    for name in ("a.png", "b/c.JPG", "b/d/e.tiff", ".f.png", ".g/h.png", "b/.ipynb_checkpoints/c.png", "b/d/.i.gif"):
        touch(tmp_path / name)
    assert names(tmp_path) == ["a.png", "b/c.JPG", "b/d/e.tiff"]
    tree = pictures_below(tmp_path, "")
    assert tree.folders == [("b",), ("b", "d")]
    assert [picture.stem for picture in tree.pictures] == ["a", "b/c", "b/d/e"]
    assert [picture.path for picture in tree.pictures] == [tmp_path / name for name in names(tmp_path)]


def test_a_hidden_folder_may_be_looked_through_itself(tmp_path):
    touch(tmp_path / ".hidden/a.png")
    assert names(tmp_path / ".hidden") == ["a.png"]


def test_files_that_are_left_out_are_counted(tmp_path):
    for name in ("a.png", "b.txt", "c/d.TXT", "c/e.avif", "c/README", ".hidden.txt"):
        touch(tmp_path / name)
    assert pictures_below(tmp_path, "").notes() == (
        "files left out because of their ending: 1 without one, 1 .avif, 2 .txt",
    )


def test_links_to_files_and_folders_are_followed(tmp_path):
    touch(tmp_path / "elsewhere/x.png")
    touch(tmp_path / "set/a.png")
    (tmp_path / "set/b.png").symlink_to(tmp_path / "elsewhere/x.png")
    (tmp_path / "set/c").symlink_to("../elsewhere")
    (tmp_path / "set/d").symlink_to(tmp_path / "set/c")
    assert names(tmp_path / "set") == ["a.png", "b.png", "c/x.png", "d/x.png"]
    assert pictures_below(tmp_path / "set", "").folders == [("c",), ("d",)]


@pytest.mark.parametrize("target", [".", "..", "../.."])
def test_a_link_back_is_refused_by_its_name(tmp_path, target):
    touch(tmp_path / "a/b/x.png")
    (tmp_path / "a/b/again").symlink_to(target)
    root = tmp_path / "a" if target != "../.." else tmp_path
    assert f"{tmp_path / 'a/b/again'}: expected a folder below, found a link back to" in failure(root)


def test_a_circle_through_another_place_is_refused(tmp_path):
    touch(tmp_path / "a/x.png")
    touch(tmp_path / "b/y.png")
    (tmp_path / "a/to_b").symlink_to(tmp_path / "b")
    (tmp_path / "b/to_a").symlink_to(tmp_path / "a")
    assert f"{tmp_path / 'a/to_b/to_a'}: expected a folder below, found a link back to {tmp_path / 'a'}" in failure(
        tmp_path / "a"
    )


def test_links_to_nothing_and_to_themselves_are_named(tmp_path):
    touch(tmp_path / "x.png")
    (tmp_path / "gone").symlink_to("nowhere")
    assert f"{tmp_path / 'gone'}: expected a file or folder, found a link to nothing (nowhere)" in failure(tmp_path)
    (tmp_path / "gone").unlink()
    (tmp_path / "self").symlink_to("self")
    assert f"{tmp_path / 'self'}: cannot be read: Too many levels of symbolic links" in failure(tmp_path)


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path, monkeypatch):
    touch(tmp_path / "a/x.png")
    touch(tmp_path / "locked/y.png")
    read = os.scandir

    def refused(folder):
        if Path(folder).name == "locked":  # tests may run as a user whom no permission stops
            raise PermissionError(13, "Permission denied", str(folder))
        return read(folder)

    monkeypatch.setattr(walk.os, "scandir", refused)
    assert f"{tmp_path / 'locked'}: the folder cannot be read: Permission denied; make it readable" in failure(tmp_path)
    assert failure(tmp_path / "locked").startswith(f"{tmp_path / 'locked'}: the folder cannot be read")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission(tmp_path):
    touch(tmp_path / "locked/y.png")
    (tmp_path / "locked").chmod(0)
    try:
        assert "locked: the folder cannot be read: Permission denied" in failure(tmp_path)
    finally:
        (tmp_path / "locked").chmod(0o700)


def test_devices_are_not_opened(tmp_path, monkeypatch):
    touch(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.txt")  # not looked at, as no other text file
    assert names(tmp_path) == ["a.png"]
    os.mkfifo(tmp_path / "c.png")
    assert f"{tmp_path / 'c.png'}: expected a picture's file, found a device, pipe or socket" in failure(tmp_path)
    (tmp_path / "c.png").unlink()
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("d.png")
        assert f"{tmp_path / 'd.png'}: expected a picture's file" in failure(tmp_path)


def test_names_that_are_no_utf8_are_named(tmp_path):
    touch(tmp_path / "a.png")
    try:
        touch(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")))
    except OSError:
        pytest.skip("the file system takes UTF-8 only")
    message = failure(tmp_path)
    assert r"expected names in UTF-8, found b'caf\xe9.png'; rename it" in message
    message.encode()  # can be printed


def test_names_are_in_one_unicode_form(tmp_path):
    touch(tmp_path / f"{TAKEN_APART}/{TAKEN_APART}1.png")
    assert names(tmp_path) == [f"{COMPOSED}/{COMPOSED}1.png"]
    touch(tmp_path / f"{COMPOSED}/2.png")
    if len(list(tmp_path.iterdir())) == 2:  # file systems of Apple keep one form only
        assert r"'e\u0301' and '\xe9' are one name in two Unicode forms" in failure(tmp_path)


def test_missing_and_empty_folders(tmp_path):
    assert failure(tmp_path / "nowhere") == f"{tmp_path / 'nowhere'}: expected a folder; check dataset.root"
    touch(tmp_path / "a.txt")
    assert failure(tmp_path / "a.txt" / "b") == f"{tmp_path / 'a.txt' / 'b'}: expected a folder; check dataset.root"
    (tmp_path / "self").symlink_to("self")
    assert "self: the folder cannot be read: Too many levels of symbolic links" in failure(tmp_path / "self")
    (tmp_path / "self").unlink()
    assert f"{tmp_path}: expected pictures (.bmp, .gif" in failure(tmp_path)


PARTS = st.lists(st.sampled_from(["a", "b", "B", "é", "e\u0301", "ä", "a-b", "a b", "0", "Z"]), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(paths=st.lists(PARTS, min_size=1, max_size=8), seed=st.integers(0, 99))
def test_the_order_is_that_of_the_names_whatever_the_file_system_says(tmp_path_factory, paths, seed):
    root = tmp_path_factory.mktemp("order")
    for parts in paths:
        touch(root.joinpath(*parts[:-1], f"{parts[-1]}.png"))
    written = [path.relative_to(root).parts for path in root.rglob("*.png")]
    expected = sorted(tuple(unicodedata.normalize("NFC", part) for part in parts) for parts in written)
    clash = len({(*parts[:-1], parts[-1]) for parts in expected}) < len(expected)
    folders = [path.relative_to(root).parts for path in root.rglob("*") if path.is_dir()]
    clash |= len({tuple(unicodedata.normalize("NFC", p) for p in parts) for parts in folders}) < len(folders)
    shuffled = random.Random(seed)
    original = os.scandir

    class Scan:
        def __init__(self, folder):
            with original(folder) as entries:
                self.entries = list(entries)
            shuffled.shuffle(self.entries)

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk.os, "scandir", Scan)
        if clash:
            assert "are one name in two Unicode forms" in failure(root)
        else:
            assert [picture.parts for picture in pictures_below(root, "").pictures] == expected
