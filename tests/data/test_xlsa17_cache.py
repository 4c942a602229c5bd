"""The cache: used when valid, rebuilt when it is not, never half, never in the way."""

import json
import logging
import os
import shutil
import stat
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import h5py
import numpy as np
import pytest

from zsl_runner.data.sources.xlsa17 import cache
from zsl_runner.data.sources.xlsa17.cache import cache_path, load_features
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.data.sources.xlsa17.layout import FeatureTable, read_features
from zsl_runner.data.sources.xlsa17.source import load
from zsl_runner.files.checksums import sha256_of
from zsl_runner.files.folders import default_cache_folder


@pytest.fixture
def source(xlsa17_folder):
    return xlsa17_folder().file("res101.mat")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


def same(first, second):
    return np.array_equal(first.table.features, second.table.features) and np.array_equal(
        first.table.labels, second.table.labels
    )


def test_second_load_comes_from_the_cache_and_is_equal(source, folder):
    cold, warm = load_features(source, folder), load_features(source, folder)
    assert (cold.from_cache, warm.from_cache) == (False, True)
    assert same(cold, warm)
    assert cold.source == warm.source
    assert warm.table.features.dtype == np.float32
    assert warm.table.features.flags.c_contiguous
    assert warm.table.features.flags.writeable
    assert warm.table.labels.dtype == np.int64


def test_the_warm_load_does_not_open_the_matlab_file(source, folder, monkeypatch):
    load_features(source, folder)
    monkeypatch.setattr(cache, "read_features", lambda path: pytest.fail("the source was read"))
    assert load_features(source, folder).from_cache


def test_the_cache_says_where_it_comes_from(source, folder):
    loaded = load_features(source, folder)
    (file,) = folder.iterdir()
    assert file == cache_path(source, folder)
    with h5py.File(file) as stored:
        attributes = dict(stored.attrs)
    assert attributes["source_path"] == str(source.resolve())
    assert attributes["source_sha256"] == loaded.source.sha256
    assert attributes["created"].startswith("20")


def test_a_folder_whose_name_is_no_unicode_has_a_cache(xlsa17_folder, folder):
    conf = xlsa17_folder(folder=os.fsdecode(b"caf\xe9"))
    first, second = (load_features(conf.file("res101.mat"), folder) for _ in range(2))
    assert (first.from_cache, second.from_cache) == (False, True)
    assert same(first, second)


def test_without_a_folder_nothing_is_written(xlsa17_folder, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    conf = xlsa17_folder(conf={"cache": None})
    load(conf)
    assert {path.name for path in tmp_path.rglob("*")} - {path.name for path in before} <= {
        "source",
        "res101.mat",
        "att_splits.mat",
    }


def test_cached_features_are_pages_of_the_file_that_nobody_can_change(source, folder):
    load_features(source, folder)
    features = load_features(source, folder).table.features
    target = cache_path(source, folder)
    with open("/proc/self/maps") as maps:
        assert any(str(target) in line for line in maps)
    before = target.read_bytes()
    features[:] = 0  # whoever writes gets pages of its own
    assert target.read_bytes() == before
    assert load_features(source, folder).table.features.any()


def test_a_changed_source_is_read_again(xlsa17_folder, source, folder):
    load_features(source, folder)
    changed = np.full((7, 60), 3.0, dtype=np.float32)
    xlsa17_folder(features=changed)
    again = load_features(source, folder)
    assert not again.from_cache
    np.testing.assert_array_equal(again.table.features, changed.T)
    assert load_features(source, folder).from_cache


def test_the_content_decides_and_not_the_time_of_change(xlsa17_folder, source, folder):
    load_features(source, folder)
    os.utime(source, ns=(1, 1))
    assert load_features(source, folder).from_cache
    size, changed = source.stat().st_size, np.full((7, 60), 3.0, dtype=np.float32)
    xlsa17_folder(features=changed)
    os.utime(source, ns=(1, 1))
    assert (source.stat().st_size, source.stat().st_mtime_ns) == (size, 1)
    again = load_features(source, folder)
    assert not again.from_cache
    np.testing.assert_array_equal(again.table.features, changed.T)


def test_two_folders_of_the_same_name_have_two_caches(source, folder, tmp_path):
    other = tmp_path / "elsewhere" / "source"
    shutil.copytree(source.parent, other)
    assert cache_path(source, folder) != cache_path(other / "res101.mat", folder)
    load_features(source, folder)
    assert not load_features(other / "res101.mat", folder).from_cache
    assert load_features(source, folder).from_cache


def truncate(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def flip_a_feature(path):
    with h5py.File(path, "r+") as file:
        file["features"][3, 2] += 1


def another_format(path):
    content = path.read_bytes()
    path.write_bytes(content.replace(b"features 2", b"features 1", 1))


def lose_labels(path):
    with h5py.File(path, "r+") as file:
        del file["labels"]


def lose_seal(path):
    path.write_bytes(bytes(cache.SEAL) + path.read_bytes()[cache.SEAL :])


def foreign(path):
    path.unlink()
    with h5py.File(path, "w") as file:
        file["features"] = np.zeros((60, 7), np.float32)


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        flip_a_feature,
        another_format,
        lose_labels,
        lose_seal,
        foreign,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("not HDF5"),
    ],
)
def test_a_damaged_cache_is_never_used_and_is_replaced(source, folder, damage):
    cold = load_features(source, folder)
    damage(cache_path(source, folder))
    again = load_features(source, folder)
    assert not again.from_cache
    assert same(cold, again)
    warm = load_features(source, folder)
    assert warm.from_cache
    assert same(cold, warm)


def test_hdf5_never_sees_a_damaged_cache(source, folder, monkeypatch):
    """Damaged bytes can keep its library busy for ever."""
    load_features(source, folder)
    target = cache_path(source, folder)
    content = target.read_bytes()
    monkeypatch.setattr(cache.h5py, "File", lambda *_, **__: pytest.fail("the damaged file was opened"))
    for place in (0, cache.SEAL, len(content) - 1, *np.random.default_rng(0).permutation(len(content))[:300]):
        target.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        assert cache._read(target, source, sha256_of(source)) is None
        target.write_bytes(content[:place])
        assert cache._read(target, source, sha256_of(source)) is None


def test_a_writer_killed_half_way_leaves_nothing_that_is_read(source, folder):
    """The process dies after the data and before the rename, as by kill -9."""
    code = (
        "import os, sys; from pathlib import Path; from zsl_runner.data.sources.xlsa17 import cache\n"
        "os.replace = lambda *a: os._exit(9)\n"
        "cache.load_features(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(source), str(folder)], check=False).returncode == 9
    (leftover,) = folder.iterdir()
    assert leftover.name.startswith(".")
    assert not load_features(source, folder).from_cache
    assert load_features(source, folder).from_cache
    assert leftover.exists()  # it might belong to a writer that is still at work
    os.utime(leftover, (time.time() - 7200,) * 2)
    cache_path(source, folder).unlink()
    load_features(source, folder)
    assert not leftover.exists()


def _load_in_process(source, folder):
    from pathlib import Path

    loaded = load_features(Path(source), Path(folder))
    return float(loaded.table.features.sum()), loaded.source.sha256


def test_concurrent_writers_do_not_disturb_each_other(source, folder):
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        results = list(pool.map(_load_in_process, [str(source)] * 12, [str(folder)] * 12))
    assert len(set(results)) == 1
    assert [path.name for path in folder.iterdir()] == [cache_path(source, folder).name]
    assert load_features(source, folder).from_cache


def test_a_pipe_in_the_place_of_the_cache_is_replaced(source, folder, pipe):
    cold = load_features(source, folder)
    pipe(cache_path(source, folder))
    again, warm = load_features(source, folder), load_features(source, folder)
    assert (again.from_cache, warm.from_cache) == (False, True)
    assert same(cold, again)
    assert same(cold, warm)


def test_a_folder_of_a_long_name_has_a_cache(source, folder):
    place = source.parent / ("é" * 120)
    place.mkdir()
    source = source.rename(place / source.name)
    assert [load_features(source, folder).from_cache for _ in range(2)] == [False, True]


def test_a_cache_that_cannot_be_written_costs_one_warning(source, tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        loaded = load_features(source, blocked / "cache")
    assert not loaded.from_cache
    assert len(caplog.records) == 1
    assert f"({blocked} is a file; expected a folder)" in caplog.text
    assert "dataset.cache=null" in caplog.text


@pytest.mark.parametrize("lacking", [1, 1000, 1_600_000], ids="{} bytes".format)
def test_a_full_disk_costs_one_warning_and_leaves_nothing(xlsa17_folder, folder, lacking):
    """The largest file the process may write is too small for the cache, be it only while HDF5 closes it."""
    conf = xlsa17_folder(features=np.random.default_rng(0).normal(size=(7000, 60)).astype(np.float32))
    load_features(conf.file("res101.mat"), folder)
    whole = cache_path(conf.file("res101.mat"), folder)
    size = whole.stat().st_size
    whole.unlink()
    code = (
        "import json, logging, resource, signal, sys; from pathlib import Path\n"
        "from zsl_runner.data.sources.xlsa17.cache import load_features\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size - lacking}, {size - lacking}))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "logging.basicConfig(level=logging.WARNING, format='WARNED %(message)s')\n"
        "loaded = load_features(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "print(json.dumps([loaded.table.features.shape, loaded.from_cache]))"
    )
    command = [sys.executable, "-c", code, str(conf.file("res101.mat")), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[60, 7000], False]
    (warning,) = done.stderr.splitlines()
    assert warning.startswith(f"WARNED {whole}: the cache cannot be written (File too large); ")
    assert list(folder.iterdir()) == []


def test_the_source_folder_is_never_written_to(xlsa17_folder, folder):
    conf = xlsa17_folder(conf={"cache": str(folder)})
    source_folder = conf.file("")
    source_folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    before = {path.name: path.stat().st_mtime_ns for path in source_folder.iterdir()}
    load(conf)
    load(conf)
    source_folder.chmod(0o700)
    assert {path.name: path.stat().st_mtime_ns for path in source_folder.iterdir()} == before
    assert len(list(folder.iterdir())) == 1


def test_where_the_cache_is_by_default(monkeypatch, tmp_path):
    monkeypatch.setenv("ZSL_CACHE", str(tmp_path / "chosen"))
    assert default_cache_folder() == tmp_path / "chosen"
    monkeypatch.delenv("ZSL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_cache_folder() == tmp_path / "xdg" / "zsl-run"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / ".cache" / "zsl-run"
    assert XLSA17Conf(name="a", root="b").cache_folder() == tmp_path / ".cache" / "zsl-run"
    assert XLSA17Conf(name="a", root="b", cache="~/mine").cache_folder() == tmp_path / "mine"
    assert XLSA17Conf(name="a", root="b", cache=None).cache_folder() is None


def test_a_changed_splits_file_needs_no_new_cache(xlsa17_folder, folder):
    """Splits and class vectors are read from their own file, so the cache cannot hold stale ones."""
    conf = xlsa17_folder(conf={"cache": str(folder)})
    first = load(conf)
    second = load(xlsa17_folder(conf={"cache": str(folder)}, att=np.eye(6)))
    assert not np.array_equal(first.class_vectors, second.class_vectors)
    np.testing.assert_array_equal(second.class_vectors, np.eye(6))


def test_warm_load_of_awa2s_shape_takes_well_under_a_second(tmp_path, monkeypatch):
    """37,322 x 2,048 float32 (306 MB). CPU seconds, which other processes on the machine change little."""
    features = np.random.default_rng(0).random((37322, 2048), dtype=np.float32)
    table = FeatureTable(features, np.arange(37322) % 50)
    source = tmp_path / "res101.mat"
    source.write_bytes(b"stands for the MATLAB file")
    monkeypatch.setattr(cache, "read_features", lambda path: table)
    load_features(source, tmp_path / "cache")
    seconds = []
    for _ in range(3):
        started = time.process_time()
        loaded = load_features(source, tmp_path / "cache")
        seconds.append(time.process_time() - started)
        assert loaded.from_cache
    assert min(seconds) < 1.0, seconds
    np.testing.assert_array_equal(loaded.table.features[::1000], features[::1000])


def test_warm_load_of_cub_takes_well_under_a_second(real_data, folder):
    source = real_data("xlsa17", "CUB", "res101.mat")
    cold = load_features(source, folder)
    seconds = []
    for _ in range(3):
        started = time.process_time()
        warm = load_features(source, folder)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.5, seconds
    assert same(cold, warm)
    assert same(warm, type(warm)(read_features(source), warm.source, from_cache=False))
