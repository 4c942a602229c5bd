"""Checksums follow the content whatever is remembered, and what has not changed is not read again."""

import hashlib
import os
import time
import unicodedata
from pathlib import Path

import pytest

from zsl_runner.errors import DataError
from zsl_runner.files import checksums
from zsl_runner.files.checksums import SMALL, sha256_of, sha256_of_all

SETTLED = checksums.TICK / 1e9 + 0.1


@pytest.fixture(autouse=True)
def memory(monkeypatch, tmp_path):
    """An empty memory of the test's own."""
    monkeypatch.setenv("ZSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(checksums, "_in_process", {})
    return tmp_path / "cache" / "checksums"


@pytest.fixture
def read(monkeypatch):
    """The names of the files that were read."""
    names = []
    digest = hashlib.file_digest

    def noted(stream, algorithm):
        names.append(Path(stream.name).name)
        return digest(stream, algorithm)

    monkeypatch.setattr(hashlib, "file_digest", noted)
    return names


@pytest.fixture
def settled(monkeypatch):
    """Make every file look as if it had lain there for a while."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + int(SETTLED * 1e9))


def forget_in_process(monkeypatch):
    monkeypatch.setattr(checksums, "_in_process", {})


def large(path, byte=b"a"):
    path.write_bytes(byte * (SMALL + 1))
    return path


def plain(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_settled_file_is_read_once_in_a_process_and_in_the_next(tmp_path, read, settled, monkeypatch):
    file = large(tmp_path / "features")
    assert sha256_of(file) == sha256_of(file) == plain(file)
    forget_in_process(monkeypatch)
    assert sha256_of(file) == plain(file)
    assert read == ["features"]


def test_a_file_that_has_just_been_written_is_not_remembered(tmp_path, read, memory):
    file = large(tmp_path / "features")
    assert sha256_of(file) == sha256_of(file)
    assert read == ["features"] * 2
    assert not memory.exists()


def test_content_of_equal_size_under_a_restored_time_is_noticed(tmp_path, settled):
    file = large(tmp_path / "features")
    before, status = sha256_of(file), file.stat()
    large(file, b"b")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert file.stat().st_mtime_ns == status.st_mtime_ns
    assert sha256_of(file) == plain(file) != before


def test_a_file_renamed_over_another_is_noticed(tmp_path, settled):
    file, other = large(tmp_path / "features"), large(tmp_path / "other", b"b")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    before = sha256_of(file)
    other.replace(file)
    assert sha256_of(file) == plain(file) != before


def test_a_file_that_changes_while_it_is_read_is_not_remembered(tmp_path, settled, monkeypatch, memory):
    file = large(tmp_path / "features")
    digest = hashlib.file_digest

    def changing(stream, algorithm):
        found = digest(stream, algorithm)
        with file.open("ab") as more:
            more.write(b"b")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", changing)
        sha256_of(file)
    assert not memory.exists()
    assert sha256_of(file) == plain(file)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"[[[[", b'{"features": [1, 2]}', b'{"features": null}', b"\xff", b"[" * 99999]
)
def test_a_damaged_memory_counts_as_empty(tmp_path, settled, memory, monkeypatch, content):
    file = large(tmp_path / "features")
    sha256_of(file)
    (kept,) = memory.iterdir()
    kept.write_bytes(content)
    forget_in_process(monkeypatch)
    assert sha256_of(file) == plain(file)


def test_without_a_writable_folder_files_are_read(tmp_path, settled, monkeypatch, read):
    (tmp_path / "cache").write_text("a file where the folder should be")
    file = large(tmp_path / "features")
    for _ in range(2):
        assert sha256_of(file) == plain(file)
        forget_in_process(monkeypatch)
    assert read == ["features"] * 2
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # the user has no home
    monkeypatch.delenv("ZSL_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert sha256_of(file) == plain(file)


def test_who_verifies_reads_every_file(tmp_path, settled, read):
    file = large(tmp_path / "features")
    sha256_of(file)
    with checksums.reading_all():
        assert sha256_of(file) == plain(file)
    assert sha256_of(file) == plain(file)
    assert read == ["features"] * 2


def test_small_files_need_no_memory(tmp_path, settled, memory):
    file = tmp_path / "labels"
    file.write_bytes(b"a" * 100)
    assert sha256_of(file) == plain(file)
    assert not memory.exists()


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DataError, match=r"absent\.mat: cannot be read: No such file"):
        sha256_of(tmp_path / "absent.mat")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="folder: cannot be read"):
        sha256_of(tmp_path / "folder")


def folder_of(tmp_path, name="pictures", pictures=3):
    root = tmp_path / name
    (root / "inner").mkdir(parents=True)
    paths = [root / "inner" / f"{number}.png" for number in range(pictures)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * (SMALL // pictures + 1))
    return root, paths


def test_a_pipe_is_named_and_not_opened(tmp_path, pipe):
    pipe(tmp_path / "a")
    with pytest.raises(DataError, match="a: cannot be read: it is a device, pipe or socket"):
        sha256_of(tmp_path / "a")


def test_a_pipe_is_no_memory(tmp_path, settled, memory, monkeypatch, pipe):
    path = large(tmp_path / "a")
    sha256_of(path)
    (kept,) = memory.iterdir()
    forget_in_process(monkeypatch)
    pipe(kept)
    assert sha256_of(path) == plain(path)
    assert kept.is_file()


def test_a_folder_is_its_names_and_contents_in_any_order(tmp_path):
    root, paths = folder_of(tmp_path)
    copied, copies = folder_of(tmp_path, "copy")
    whole = sha256_of_all(paths, root)
    assert sha256_of_all(copies[::-1], copied) == whole
    lines = "".join(f"inner/{path.name}\0{plain(path)}\n" for path in paths)
    assert whole == hashlib.sha256(lines.encode()).hexdigest()
    assert sha256_of_all(paths[:2], root) != whole
    one, two = copies[0].read_bytes(), copies[1].read_bytes()
    copies[0].write_bytes(two)
    copies[1].write_bytes(one)
    assert sha256_of_all(copies, copied) != whole
    paths[0].rename(root / "0.png")
    assert sha256_of_all([root / "0.png", *paths[1:]], root) != whole


def test_a_folder_is_read_once_and_then_only_what_changed(tmp_path, read, settled, monkeypatch, memory):
    root, paths = folder_of(tmp_path)
    whole = sha256_of_all(paths, root)
    forget_in_process(monkeypatch)
    assert sha256_of_all(paths, root) == whole
    assert sorted(read) == ["0.png", "1.png", "2.png"]
    assert len(list(memory.iterdir())) == 1
    del read[:]
    paths[1].write_bytes(bytes([9]) * paths[1].stat().st_size)
    assert sha256_of_all(paths, root) != whole
    assert read == ["1.png"]


def test_a_name_is_the_same_however_it_is_composed(tmp_path):
    checks = set()
    for form in ("NFC", "NFD"):
        root = tmp_path / form
        root.mkdir()
        path = root / unicodedata.normalize(form, "Käfer.png")
        path.write_bytes(b"beetle")
        checks.add(sha256_of_all([path], root))
    assert len(checks) == 1


def test_a_name_that_is_no_unicode_has_a_checksum(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    path.write_bytes(b"odd")
    assert len(sha256_of_all([path], tmp_path)) == 64
