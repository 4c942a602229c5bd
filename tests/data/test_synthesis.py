"""Data sets that zsl-data synthesize invents are there whole or not at all."""

import errno
import os

import pytest

from zsl_runner.data.command.synthesis import synthesize
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.errors import RunError


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
