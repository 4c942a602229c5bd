"""`zsl-data prepare` writes caches, `zsl-data verify` reads the files themselves; of one data set or of all."""

import errno
import os
import re
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import ClassVar

import pytest

from tests.data.data_command import run
from zsl_runner.data.command.chosen import data_sets
from zsl_runner.data.command.preparation import prepare
from zsl_runner.data.command.verification import verify
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.data.sources.toy.source import load as load_toy
from zsl_runner.errors import ConfigError
from zsl_runner.files.folders import KeptCopy

pytestmark = pytest.mark.usefixtures("no_real_data")


def test_prepare_writes_the_cache_and_says_how_to_use_it(own, tmp_path, capsys):
    code, out, err = run(capsys, "prepare", "xlsa17", "--source", own)
    assert (code, err) == (0, "")
    (cache,) = (tmp_path / "cache").iterdir()
    assert str(cache) in out
    assert f"zsl-run dataset=xlsa17 dataset.name=mine dataset.root={own}" in out
    assert "dataset=xlsa17 dataset.name=a dataset" in run(capsys, "prepare", "xlsa17", "--source", own, "name=a")[1]
    assert "dataset.cache" not in out
    code, out, _ = run(capsys, "prepare", "xlsa17", "--source", own, "--cache", tmp_path / "other")
    assert code == 0
    assert f"dataset.cache={tmp_path / 'other'}" in out
    assert len(list((tmp_path / "other").iterdir())) == 1


def test_prepare_fails_where_no_cache_can_be(own, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "prepare", "xlsa17", "--source", own, "--cache", tmp_path / "file" / "cache")
    assert code == 2
    assert err.count("\n") == 1  # the data were not read before it was known to be in vain
    assert "file is a file; expected a folder" in err
    assert run(capsys, "prepare", "xlsa17", "cache=null", "--source", own)[:2] == (2, "")
    code, _, err = run(capsys, "prepare", "xlsa17", "--source", own, "--cache", own / "cache")
    assert code == 2
    assert "never written to" in err
    assert run(capsys, "prepare", "toy")[1].count("nothing to prepare") == 1


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("xlsa17", "--source", "mine"), "mine-res101-*.h5"),
        (("digit_canvas_embedded", "train=8"), "digit_canvas-*.npz"),
    ],
)
def test_prepare_on_a_full_disk_tells_it_once(own, tmp_path, capsys, monkeypatch, arguments, name):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("zsl_runner.files.writing.os.fsync", full)
    monkeypatch.chdir(own.parent)
    code, out, err = run(capsys, "prepare", *arguments, "--cache", tmp_path / "c")
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    told = "the cache cannot be written: No space left on device; make room, or choose another folder with --cache DIR"
    assert fnmatch(line, f"zsl-data: {tmp_path}/c/{name}: {told}")
    assert list((tmp_path / "c").iterdir()) == []


@pytest.mark.parametrize("below", ["", "/deeper"])
def test_a_link_to_itself_is_no_place_for_data_or_their_cache(own, tmp_path, capsys, below):
    (tmp_path / "loop").symlink_to("loop")
    place = f"{tmp_path}/loop{below}"
    code, _, err = run(capsys, "prepare", "xlsa17", "--source", own, "--cache", place)
    assert code == 2
    assert "loop: Too many levels of symbolic links; choose another folder" in err.replace("/deeper", "")
    assert run(capsys, "describe", "xlsa17", "--source", own, f"cache={place}")[0] == 0
    code, _, err = run(capsys, "describe", "xlsa17", "--source", place)
    assert code == 2
    assert "dataset.root" in err


def test_verify_reports_files_and_sizes_and_reads_no_cache(own, tmp_path, capsys):
    assert run(capsys, "prepare", "xlsa17", "--source", own)[0] == 0
    code, out, err = run(capsys, "verify", "xlsa17", "--source", own, "expected_classes=[12,4]")
    assert (code, err) == (0, "")
    assert len(re.findall(r"sha256 [0-9a-f]{64}\n", out)) == 2
    for line in (
        "not known by its checksum",
        "12 seen (2 of them for validation), 4 unseen (as expected)",
        "576 trainval, 144 test_seen, 240 test_unseen (no expectation configured)",
        "invariants hold",
    ):
        assert line in out
    # A damage that leaves size and time of change alone is found, because the cache is not asked.
    path = own / "att_splits.mat"
    code, _, err = run(capsys, "verify", "xlsa17", "--source", own, "expected_rows=[1,2,3]")
    assert code == 1
    assert "expected_rows: expected [1, 2, 3], found [576, 144, 240]" in err
    stat = (own / "res101.mat").stat()
    content = bytearray((own / "res101.mat").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (own / "res101.mat").write_bytes(bytes(content))
    os.utime(own / "res101.mat", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert run(capsys, "verify", "xlsa17", "--source", own)[0] == 1
    path.write_bytes(path.read_bytes()[:100])
    assert run(capsys, "verify", "xlsa17", "--source", own)[0] == 1


def test_all_takes_what_is_there_and_lists_what_is_not(tmp_path, capsys, own, monkeypatch):
    some = {"cub", "digits", "sun", "toy", "xlsa17"}  # all of them, with the drawn ones, take long
    assert some < set(data_sets())
    monkeypatch.setattr("zsl_runner.data.command.chosen.data_sets", lambda: sorted(some))
    code, out, _ = run(capsys, "verify", "--all")
    assert code == 0
    assert out.count("invariants hold") == 2  # digits and toy need no files
    assert "left out: " in out
    assert f"cub ({tmp_path}/nothing/xlsa17/CUB/res101.mat is not there)" in out
    assert "xlsa17 (needs --source)" in out
    broken = tmp_path / "nothing" / "xlsa17" / "SUN"
    broken.mkdir(parents=True)
    for path in own.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    code, out, err = run(capsys, "prepare", "--all", "--cache", tmp_path / "c")
    assert code == 1
    assert "sun: " in err
    assert "expected_classes: expected [645, 72], found [12, 4]" in err
    assert out.count("nothing to prepare") == 2
    code, _, err = run(capsys, "prepare", "--all", "cub")
    assert code == 2
    assert "takes no name" in err


def test_a_folder_that_may_not_be_entered_does_not_stop_the_others(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("zsl_runner.data.command.chosen.data_sets", lambda: ["cub", "toy"])
    is_file = Path.is_file

    def guarded(path):
        if "CUB" in path.parts:  # tests may run as a user whom no permission stops
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", guarded)
    code, out, err = run(capsys, "verify", "--all")
    assert code == 1
    assert err == f"cub: {tmp_path}/nothing/xlsa17/CUB/res101.mat: Permission denied\n"
    assert out.count("invariants hold") == 1
    assert out.endswith("left out: none\n")


@dataclass
class KeptConf(ToyConf):
    """A data set that this project does not know, and that keeps a copy."""

    implementation: ClassVar[str] = f"{__name__}:load_kept"
    kept_copy: ClassVar[str] = f"{__name__}:kept_copy"
    cache: str | None = "auto"

    def expectations(self):
        return {"classes": self.seen, "rows": None}


def load_kept(conf):
    if conf.cache is not None:
        (Path(conf.cache) / "copy").write_text("")
    return load_toy(conf)


def kept_copy(conf):
    path = None if conf.cache is None else Path(conf.cache) / "copy"
    return KeptCopy(path, usable=path is not None and path.is_file())


def test_a_new_data_set_declares_its_cache_and_its_expectations(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    conf = KeptConf(name="kept", cache=str(tmp_path))
    report = "\n".join(prepare("kept", conf))
    assert f"  cache {tmp_path / 'copy'}\n" in report
    assert f"zsl-run dataset=kept dataset.cache={tmp_path}" in report
    (tmp_path / "copy").unlink()
    report = "\n".join(verify("kept", conf))
    assert not (tmp_path / "copy").exists()  # the files were read, no copy was asked for or made
    assert re.search(r"classes .* unseen \(as expected\)", report)
    assert re.search(r"rows .* test_unseen \(no expectation configured\)", report)
    with pytest.raises(ConfigError, match="expected a folder for the cache, found null"):
        list(prepare("kept", KeptConf(name="kept", cache=None)))


def test_no_data_set_is_named_where_all_are_handled():
    folder = Path(prepare.__code__.co_filename).parent
    for name in ("preparation.py", "verification.py", "../load.py"):
        imported = re.findall(r"from zsl_runner\.data\.sources\.(\w+)\.", (folder / name).read_text())
        assert imported == [], name
