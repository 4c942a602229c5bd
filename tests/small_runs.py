"""Small runs inside the test's process, which end, or are cut short at a chosen moment as by kill -9."""

from contextlib import contextmanager

import pytest
import yaml
from omegaconf import OmegaConf

from tests.loaded import ours
from zsl_runner.config.check import check
from zsl_runner.config.typed import typed
from zsl_runner.runs.attempt import execute
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.runs.result import Result
from zsl_runner.runs.stage import StageRun

SMALL = (
    "dataset=toy",
    "dataset.train_rows=20",
    "model=sgal",
    "model.latent_dim=4",
    "model.prior.hidden=[16]",
    "model.encoder.hidden=[8]",
    "model.decoder.hidden=[8]",
    "trainer.batch_size=16",
    "trainer.pretrain_steps=6",
    "trainer.em.iterations=6",
    "trainer.em.copies=2",
    "trainer.em.rollback_every=3",
    "trainer.em.refresh_every=3",
    "evaluator.every=3",
    "tracker.log_every=2",
    "tracker.figures=false",
    "tracker.progress=none",
    "checkpoint.every=2",
    "runtime.device=cpu",
)
"""Trains for 24 steps in two stages of two phases, with a checkpoint every two."""
CLOSED = (
    "model=eszsl",
    "tracker.figures=false",
    "tracker.progress=none",
    "tracker.tensorboard=false",
    "runtime.device=cpu",
)


def config_of(outputs, *overrides):
    return check(ours(), [f"outputs='{outputs}'", *overrides], strictly=False).accepted()


class Killed(BaseException):
    """Ends a run as kill -9 does: nobody handles it."""


@contextmanager
def cut(cls, method, at, after=True):
    """Cut what runs inside the block short at the call number ``at`` (from 1) of a method, after or before its work.

    Yields a list that is empty if there were not so many calls.
    """
    calls, dead = 0, []
    original = getattr(cls, method)

    def counted(self, *arguments, **options):
        nonlocal calls
        calls += 1
        if calls == at and not after:
            raise Killed
        done = original(self, *arguments, **options)
        if calls == at:
            raise Killed
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cls, method, counted)
        try:
            yield dead
        except Killed:
            dead.append(True)


def finished(outputs, *overrides):
    """Return the directory of a complete run."""
    made = []
    result = execute(config_of(outputs, *overrides), list(overrides), announce=made.append)
    assert result.status == "complete"
    return made[0]


def cut_short(outputs, *overrides, at=3):
    """Return the directory of a run that was killed after so many checkpoints."""
    made = []
    with cut(Checkpoints, "save", at) as dead:
        execute(config_of(outputs, *overrides), list(overrides), announce=made.append)
    assert dead
    return made[0]


def stopped(outputs, step):
    """Return the directory of a `SMALL` run that was asked to stop in a step."""
    made = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StageRun, "stop_requested", lambda self: self.loop.global_step == step)
        with pytest.raises((SystemExit, KeyboardInterrupt)):
            execute(config_of(outputs, *SMALL), list(SMALL), announce=made.append)
    return made[0]


def warned(directory):
    """Return what the record of a run warns of, without that its tune stage undid steps, as that of `SMALL` does."""
    return [
        told for told in Result.load(directory).warnings if not told.startswith("validation metrics are of weights")
    ]


def saved(directory):
    return yaml.safe_load((directory / "config.yaml").read_text())


def content(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file() and path.name != ".lock"}


def configuration(directory):
    return typed(OmegaConf.create(saved(directory)))


def edit(directory, **changes):
    """Set dotted keys (with __ for the dots) in config.yaml."""
    values = OmegaConf.create(saved(directory))
    for key, value in changes.items():
        OmegaConf.update(values, key.replace("__", "."), value)
    (directory / "config.yaml").write_text(OmegaConf.to_yaml(values))
