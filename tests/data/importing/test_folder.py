"""`zsl-data import`: the folder is written whole or not at all, knows where its data are from, and is told of."""

import errno
import json
import os
import shlex
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from tests.data.data_command import run
from tests.data.importing.example import CLASSES, as_npy, example, loaded
from tests.loaded import ours
from zsl_runner.config.check import check
from zsl_runner.errors import DataError

pytestmark = pytest.mark.usefixtures("no_real_data")


def test_what_it_understood_is_shown(imported):
    code, out, _ = imported("--seed", 3, unseen=("--draw-unseen", 2))
    assert code == 0
    shown = {line[:14].strip(): line[15:] for line in out.splitlines() if line}
    assert shown["features"].endswith("f.npz: features, 48 x 7 float32: 48 rows of 7")
    assert shown["labels"].endswith("f.npz: labels, 6 different names")
    assert shown["unseen"].startswith("2 drawn with seed 3: ")
    assert shown["rows"].startswith("24 trainval; 8 test_seen")
    assert "val/T1 is 100 whatever the model does" in shown["warning"]


@pytest.mark.parametrize("name", ["_mine", "a(b)", "my birds", "..x"])
def test_the_printed_run_is_not_refused_for_the_name_of_the_folder(name, imported, tmp_path, capsys):
    _, of_import, _ = imported(name=name)
    _, of_example, _ = run(capsys, "synthesize", tmp_path / "examples" / name, "--rows", 5)
    for printed in (of_import, of_example):
        (line,) = (line for line in printed.splitlines() if line.startswith("run it"))
        command, *arguments = shlex.split(line.removeprefix("run it"))
        assert command == "zsl-run"
        assert check(ours(), [*arguments, "model=eszsl"]).problems == ()


def test_the_kind_of_features_is_known_from_then_on(imported, tmp_path, capsys):
    assert imported("--feature-kind", "ViT-B/16, 768-d")[0] == 0
    records = loaded(tmp_path / "mine")
    assert records.provenance.feature_kind == "ViT-B/16, 768-d"
    assert records.provenance.split_version.startswith("own: 4 seen / 2 unseen classes, as listed")
    content = json.loads((tmp_path / "mine" / "import.json").read_text())
    assert [Path(source["path"]).name for source in content["sources"]] == ["f.npz", "v.npz"]
    assert loaded(tmp_path / "mine", feature_kind="mine").provenance.feature_kind == "mine"
    # Of another file than the one written it says nothing.
    content = scipy.io.loadmat(tmp_path / "mine" / "res101.mat")
    scipy.io.savemat(tmp_path / "mine" / "res101.mat", {name: content[name] for name in ("features", "labels")})
    assert "unknown" in loaded(tmp_path / "mine").provenance.feature_kind
    for damaged in ("[]", "{", '{"files": 3}', '{"files": {}, "split": 3, "feature_kind": null}'):
        (tmp_path / "mine" / "import.json").write_text(damaged)
        with pytest.raises(DataError, match=r"import\.json: expected what zsl-data import has written"):
            loaded(tmp_path / "mine")


def test_no_path_of_the_machine_gets_into_the_name_of_a_split(imported, tmp_path):
    np.save(tmp_path / "rows.npy", np.flatnonzero(example()[1] != 0)[::3])
    assert imported("--test-rows", tmp_path / "rows.npy")[0] == 0
    assert str(tmp_path) not in loaded(tmp_path / "mine").provenance.split_version


def test_nothing_is_overwritten_and_a_failure_leaves_nothing(imported, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    code, _, err = imported()
    assert code == 2
    assert "exists already and is not overwritten" in err
    assert list((tmp_path / "mine").iterdir()) == []

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", fail)
    code, _, err = imported(name="other")
    assert code == 1
    assert "other: cannot be written: No space left on device" in err
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "f.npz", "v.npz"}


def test_a_full_disk_is_told_of_the_folder_that_was_asked_for(imported, tmp_path, monkeypatch):
    def full(stream, *_variables, **_options):
        stream.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("zsl_runner.data.command.importing.writing.write_version_5", full)
    code, _, err = imported()
    assert code == 1
    assert err == f"zsl-data: {tmp_path}/mine/res101.mat: cannot be written: No space left on device\n"
    assert not [path for path in tmp_path.iterdir() if "mine" in path.name]


def test_features_are_in_memory_twice_at_most(tmp_path, capsys):
    """As they were read, and as they are written or read again; the whole file was in memory beside them."""
    rows, width = 20_000, 200
    features = np.random.default_rng(0).standard_normal((rows, width)).astype(np.float32)
    given = as_npy(tmp_path, features, np.arange(rows) % CLASSES, np.eye(CLASSES, dtype=np.float32))
    np.save(tmp_path / "f.npy", features)
    run(capsys, "import", tmp_path / "first", *given, "--draw-unseen", 2)  # modules are imported by now
    tracemalloc.start()
    try:
        code, _, err = run(capsys, "import", tmp_path / "second", *given, "--draw-unseen", 2)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (code, err) == (0, "")
    assert features.nbytes < most < 2.5 * features.nbytes


def test_what_a_killed_import_left_is_removed_by_the_next_one(imported, tmp_path, monkeypatch):
    def killed(*_):
        raise Killed

    class Killed(BaseException):
        pass

    others = [tmp_path / name for name in (".other.0123abcd.tmp", ".mine.tmp", "mine.0123abcd.tmp")]
    for path in others:
        path.mkdir()
        os.utime(path, (1, 1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", killed)
        patch.setattr("zsl_runner.files.writing.shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(Killed):
            imported()
    (left,) = tmp_path.glob(".mine.????????.tmp")
    assert imported()[0] == 0
    assert left.exists()  # it might be that of an import that is still at work
    os.utime(left, (1, 1))
    shutil.rmtree(tmp_path / "mine")
    assert imported()[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "f.npz", "v.npz", *(path.name for path in others)}
