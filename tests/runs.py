"""Small runs inside the test's process, which end, or are cut short at a chosen moment as by kill -9."""

from contextlib import contextmanager
from functools import cache

import pytest

from zsl_runner.config import registry
from zsl_runner.config.check import check
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.supervision import execute

SMALL = (
    "dataset=toy",
    "dataset.train_rows=20",
    "model=sgal",
    "model.latent_dim=4",
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


@cache
def _loader():
    registry.register()
    return Loader(Source(conf_directory()))


def config_of(outputs, *overrides):
    verdict = check(_loader(), [f"outputs='{outputs}'", *overrides], strictly=False)
    assert verdict.problems == ()
    return verdict.config


class Killed(BaseException):
    """Ends a run as kill -9 does: nobody handles it."""


@contextmanager
def killed(cls, method, at, after=True):
    """Cut the run inside the block short at the call number ``at`` (from 1) of a method, after or before its work."""
    calls = 0
    with pytest.MonkeyPatch.context() as patch:
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

        patch.setattr(cls, method, counted)
        with pytest.raises(Killed):
            yield


def finished(outputs, *overrides):
    """Return the directory of a complete run."""
    made = []
    result = execute(config_of(outputs, *overrides), list(overrides), announce=made.append)
    assert result.status == "complete"
    return made[0]


def cut_short(outputs, *overrides, cls=None, method="save", at=3, after=True):
    """Return the directory of a run that was killed, by default after its third checkpoint."""
    from zsl_runner.checkpoint import Checkpoints

    made = []
    with killed(cls or Checkpoints, method, at, after):
        execute(config_of(outputs, *overrides), list(overrides), announce=made.append)
    return made[0]
