"""Whole runs through the console commands, in processes of their own.

Processes are forked from the test's, which has imported all they need already: a start takes milliseconds instead of
seconds.
"""

import gc
import importlib
import multiprocessing
import re
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hydra.core.config_store import ConfigStore

from tests.forked import IMPORTED_LATE, be_command
from tests.loaded import ours
from tests.results import recorded
from zsl_runner.config.check import check
from zsl_runner.config.registry import resolve, schemas
from zsl_runner.config.schema import GROUPS
from zsl_runner.config.store import register

QUICK = [
    "dataset=toy",
    "model=sgal",
    "model.latent_dim=4",
    "model.prior.hidden=[16]",
    "trainer.batch_size=16",
    "trainer.pretrain_steps=60",
    "trainer.em.iterations=60",
    "trainer.em.copies=2",
    "trainer.em.rollback_every=20",
    "trainer.em.refresh_every=3",
    "evaluator.every=20",
    "tracker.log_every=7",
    "tracker.figures=false",
    "tracker.progress=none",
    "checkpoint.every=10",
]


def _work(*command):
    warnings.simplefilter("ignore")
    # As long as all else such a run does; tests/tracking draw with it.
    importlib.import_module("sklearn.manifold").TSNE.fit_transform = lambda self, points: points[:, :2]
    be_command(*command)


@pytest.fixture(scope="session")
def launch():
    """Return what starts a console command in a process of its own and gives (process, log prefix)."""
    torch.set_num_threads(1)
    for name in IMPORTED_LATE:
        importlib.import_module(name)
    register()
    for implementation in {schema.implementation for group in GROUPS for schema in schemas(group).values()}:
        resolve(implementation)
    for schema in (f"schema/{group}/{kind}.yaml" for group in GROUPS for kind in schemas(group)):
        ConfigStore.instance().load(schema)
    check(ours(), ["dataset=toy"], count_devices=lambda: 0)
    gc.collect()
    gc.freeze()  # no child looks through this, or copies its pages, when it collects
    started = []

    def start(folder: Path, *arguments, module="zsl_runner.train"):
        log = Path(folder) / f"process-{len(started)}"
        process = multiprocessing.get_context("fork").Process(target=_work, args=(folder, log, module, arguments))
        started.append(process)
        process.start()
        return process, log

    yield start
    for process in started:
        process.kill()
        process.join()


@pytest.fixture
def zsl_run(tmp_path, launch):
    """Return what runs a console command in a fresh working directory and expects an exit code."""

    def run(*arguments, code=0, module="zsl_runner.train", folder=tmp_path):
        process, log = launch(folder, *arguments, module=module)
        process.join(timeout=300)
        done = SimpleNamespace(stdout=Path(f"{log}.out").read_text(), stderr=Path(f"{log}.err").read_text())
        assert process.exitcode == code, f"{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def kill_at(tmp_path, launch):
    """Return what starts a run, kills it when the checkpoint of a step exists, and gives its directory."""

    def kill(step: int, directory: Path, *arguments) -> Path:
        process, _ = launch(tmp_path, *arguments, f"name={directory.name}")
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.is_alive():
            reached = [int(re.sub(r"\D", "", path.name)) for path in directory.glob("checkpoints/step-*.pt")]
            if reached and max(reached) >= step:
                break
            time.sleep(0.001)
        process.kill()
        process.join()
        assert recorded(directory)["status"] == "running"
        return directory

    return kill
