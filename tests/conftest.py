"""Fixtures shared by all tests: a small zero-shot problem and the parts a training stage is built from."""

import dataclasses
import gc
import importlib
import os
import shutil
import signal
import time
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch
from tensorboard.summary.writer import event_file_writer

from tests.loaded import ours, read_once
from tests.zero_shot import zero_shot_folds
from zsl_runner.config.sections import RuntimeConf
from zsl_runner.data.records import Provenance
from zsl_runner.data.views import training_as
from zsl_runner.data.zero_shot.records import ZeroShotRecords
from zsl_runner.models.network_conf import MLPConf
from zsl_runner.models.sgal.conf import MarginConf, PriorConf, SGALConf
from zsl_runner.models.sgal.model import SGAL
from zsl_runner.streams import Streams
from zsl_runner.tracking import tensorboard
from zsl_runner.training.base import TrainingContext
from zsl_runner.training.optimisers import Optimisers
from zsl_runner.training.runtime import Runtime

# No test fails because the machine is busy.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

read_once()


def make_records(seen=6, unseen=3, rows=30):
    """Classes with Gaussian features around a smooth function of their class vectors."""
    generator = np.random.default_rng(0)
    classes = seen + unseen
    vectors = generator.random((classes, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    means = 3 * np.tanh(vectors @ generator.normal(size=(5, 8))) @ generator.normal(size=(8, 12))
    labels = np.repeat(np.arange(classes), rows)
    features = means[labels] + 0.3 * generator.normal(size=(len(labels), 12))
    position = np.tile(np.arange(rows), classes)
    is_seen = labels < seen
    return ZeroShotRecords(
        name="small",
        features=features.astype(np.float32),
        labels=labels.astype(np.int64),
        class_vectors=vectors.astype(np.float32),
        class_names=tuple(f"class_{k}" for k in range(classes)),
        seen_classes=np.arange(seen),
        unseen_classes=np.arange(seen, classes),
        trainval=np.flatnonzero(is_seen & (position < rows * 2 // 3)),
        test_seen=np.flatnonzero(is_seen & (position >= rows * 2 // 3)),
        test_unseen=np.flatnonzero(~is_seen),
        validation_classes=np.arange(seen - 2, seen),
        provenance=Provenance("generated", "12-d Gaussian", "5 random", "own"),
    )


def pytest_collection_finish():
    """Spare what is in memory by now the collections after each stage; they take longer than a short training.

    A process that has its share of all tests needs torch's compiler sooner or later, whose modules are the most.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        importlib.import_module("torch._dynamo")  # by torch.optim
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def subnormal_numbers():
    """A run flushes them to zero for its process, which may go on with tests that draw any floating-point number."""
    torch.set_flush_denormal(False)


class Hasty:
    """Stands in for the module ``time``: nobody sleeps, and it is later all the same."""

    def __init__(self):
        self.slept = 0.0

    def time(self):
        return time.time() + self.slept

    def sleep(self, seconds):
        self.slept += seconds


@pytest.fixture
def hasty(monkeypatch):
    """Let nothing in this process wait for the second in which the name of an event file is new."""
    clock = Hasty()
    for module in (tensorboard, event_file_writer):
        monkeypatch.setattr(module, "time", clock)


@pytest.fixture
def pipe():
    """Return what puts a pipe in a place; a test that waits for its writer fails, where it would never end."""

    def waits(*_arguments):
        pytest.fail("a pipe was opened")

    def put(path):
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        signal.alarm(60)

    before = signal.signal(signal.SIGALRM, waits)
    yield put
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def loader():
    """The loader of the repository's configuration files."""
    return ours()


@pytest.fixture
def records():
    return make_records()


@pytest.fixture
def small_sgal():
    """Return a small SGAL configuration; keywords replace fields."""

    def build(**changes):
        conf = SGALConf(
            latent_dim=4,
            encoder=MLPConf(hidden=[16], dropout=0.2),
            decoder=MLPConf(hidden=[16], dropout=0.2),
            prior=PriorConf(layers=2, dropout=0.1),
            margin=MarginConf(weight=0.01, pairs="batch_diff"),
        )
        return dataclasses.replace(conf, **changes)

    return build


@pytest.fixture
def make_context(small_sgal):
    """Return what builds a training context from records, a stage and trainer settings."""

    def build(records, trainer_conf, model_conf=None, model_class=SGAL, stage="final", seed=0, **fold_options):
        fold = zero_shot_folds(records, **fold_options).cut(stage)
        data = training_as((model_conf or small_sgal()).reads, fold.train)
        streams = Streams(seed)
        model = model_class(model_conf or small_sgal(), data.shape, streams)
        settings = trainer_conf.optimisers()
        groups = model.parameter_groups()
        settings = {name: settings[name] for name in settings if name in groups}
        optimisers = Optimisers({name: groups[name] for name in settings}, settings)
        runtime = Runtime(RuntimeConf(device="cpu", deterministic=False))
        return TrainingContext(model, data, optimisers, runtime, streams), fold

    return build


@pytest.fixture(scope="session")
def stopped(tmp_path_factory):
    """The directory of a run that was killed after its third checkpoint, and its configuration; not to be changed."""
    from tests.small_runs import SMALL, config_of, cut_short

    outputs = tmp_path_factory.mktemp("stopped")
    return cut_short(outputs, *SMALL), config_of(outputs, *SMALL)


@pytest.fixture
def stopped_run(stopped, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(stopped[0], tmp_path / "run"))
