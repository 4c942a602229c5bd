"""What zsl-data synthesize invents: it loads, is of the sizes asked for, and is there whole or not at all."""

import errno
import os

import numpy as np
import pytest
import scipy.io

from tests.data.data_command import run
from zsl_runner.data.command.synthesis import synthesize
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.data.sources.xlsa17.source import load
from zsl_runner.errors import RunError

pytestmark = pytest.mark.usefixtures("no_real_data")


def test_synthesize_writes_a_folder_that_loads(own, capsys):
    assert sorted(path.name for path in own.iterdir()) == ["SOURCE.txt", "att_splits.mat", "res101.mat"]
    records = load(XLSA17Conf(name="own", root=str(own), cache=None))
    assert records.features.shape == (960, 64)
    assert (len(records.seen_classes), len(records.unseen_classes)) == (12, 4)
    assert (len(records.trainval), len(records.test_seen), len(records.test_unseen)) == (576, 144, 240)
    stored = scipy.io.loadmat(own / "res101.mat")
    assert (stored["labels"].dtype, stored["features"].dtype) == (np.uint8, np.float32)
    # The rows are in random order, as in real files with several sources; labels and splits moved with them.
    assert (np.diff(records.labels) < 0).any()


def test_synthesized_rows_keep_their_labels(own):
    """Rows of a class lie around their class mean, so a nearest-mean rule is right on the test rows."""
    records = load(XLSA17Conf(name="own", root=str(own), cache=None))
    means = np.stack(
        [records.features[records.trainval][records.labels[records.trainval] == k].mean(0) for k in range(12)]
    )
    distances = np.linalg.norm(records.features[records.test_seen][:, None] - means, axis=-1)
    assert (distances.argmin(1) == records.labels[records.test_seen]).mean() > 0.98


def test_both_versions_of_synthesize_hold_the_same(own, tmp_path, capsys):
    assert run(capsys, "synthesize", tmp_path / "new", "--v73")[0] == 0
    old, new = (load(XLSA17Conf(name="own", root=str(root), cache=None)) for root in (own, tmp_path / "new"))
    for name in ("features", "labels", "class_vectors", "trainval", "validation_classes"):
        np.testing.assert_array_equal(getattr(old, name), getattr(new, name))


def test_synthesize_options_and_refusals(tmp_path, capsys):
    folder = tmp_path / "sized"
    sizes = ["--seen", 5, "--unseen", 3, "--attributes", 7, "--width", 9, "--rows", 10, "--seed", 4]
    code, out, _ = run(capsys, "synthesize", folder, *sizes)
    assert code == 0
    assert f"dataset.root={folder}" in out
    assert load(XLSA17Conf(name="own", root=str(folder), cache=None)).features.shape == (80, 9)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    code, _, err = run(capsys, "synthesize", folder)
    assert code == 2
    assert "exists already and is not overwritten" in err
    code, _, err = run(capsys, "synthesize", folder / "res101.mat" / "below")
    assert code == 2
    assert "res101.mat is a file; expected a folder" in err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert run(capsys, "synthesize", tmp_path / "x", "--seen", 1)[0] == 2
    assert run(capsys, "synthesize", tmp_path / "x", "--rows", 4)[0] == 2
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("room", [0, 1, 2])
def test_half_a_data_set_does_not_stay_on_a_full_disk(tmp_path, monkeypatch, room):
    folder, written, flush = tmp_path / "invented", [], os.fsync

    def full(stream):
        written.append(stream)
        if len(written) > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(stream)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"invented/\w+\.\w+: cannot be written: No space left on device"):
            synthesize(folder, ToyConf())
    assert len(written) == room + 1
    assert list(folder.iterdir()) == []
    assert {path.name for path in synthesize(folder, ToyConf())} == {path.name for path in folder.iterdir()}
