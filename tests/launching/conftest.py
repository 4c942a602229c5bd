"""Whole sweeps, in processes forked from the test's as in tests/recipes."""

import json
from types import SimpleNamespace

import pytest

from tests.recipes.conftest import launch, zsl_run  # noqa: F401  (fixtures)

FAST = ["dataset=toy", "model=eszsl", "tracker=minimal"]
"""Fits a closed form: the shortest run there is."""
TRAINED = [
    "dataset=toy",
    "model=sgal",
    "tracker=minimal",
    "name=t",
    "model.latent_dim=4",
    "model.prior.hidden=[16]",
    "trainer.batch_size=16",
    "trainer.pretrain_steps=20",
    "trainer.em.iterations=20",
    "trainer.em.copies=2",
    "trainer.em.rollback_every=10",
    "trainer.em.refresh_every=3",
    "evaluator.every=20",
    "checkpoint.every=5",
]
"""Trains for 80 steps in two stages of two phases, with a checkpoint every five."""


@pytest.fixture
def records(tmp_path):
    """Return what reads every run below ``outputs``: its record by the path below the data set's folder."""

    def read(outputs="outputs"):
        found = {}
        for file in sorted((tmp_path / outputs).glob("*/*/*/result.json")):
            found[str(file.parent.relative_to(tmp_path / outputs))] = SimpleNamespace(
                **json.loads(file.read_text()), directory=file.parent
            )
        return found

    return read
