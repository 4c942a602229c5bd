"""A small run, and what the cases do with it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Final

from scripts.torture.aims import announcing
from scripts.torture.children import Done, Place, expected
from scripts.torture.verdict import require

SMALL: Final = (
    "dataset=toy",
    "model=sgal",
    "model.latent_dim=4",
    "model.encoder.hidden=[16]",
    "model.decoder.hidden=[16]",
    "model.prior.hidden=[16,16]",
    "trainer.batch_size=16",
    "trainer.pretrain_steps=60",
    "trainer.em.iterations=40",
    "evaluator.every=20",
    "checkpoint.every=10",
    "tracker.figures=false",
    "tracker.progress=none",
)
"""Some 200 steps, a second."""
STEPS: Final = 200
LINEAR: Final = ("dataset=toy", "model=eszsl", "tracker.figures=false", "tracker.progress=none")
"""One step in closed form."""


def runs(place: Place, outputs: str = "outputs") -> list[Path]:
    """Return the run directories of a place, in the order of their names."""
    return sorted(path.parent for path in (place.home / outputs).glob("*/*/*/config.yaml"))


def run_once(place: Place, *arguments: str) -> Path:
    """Make a whole run and return its directory."""
    before = set(runs(place))
    expected(place.run("zsl-run", *arguments), 0)
    (directory,) = set(runs(place)) - before
    return directory


def killed(place: Place, *arguments: str, after: int = 3, number: int = signal.SIGKILL) -> Path:
    """Start a run, send it a signal when it renames its ``after``-th checkpoint, and return its directory."""
    before = set(runs(place))
    child = place.start("zsl-run", *arguments, hook=announcing("renaming a checkpoint", after + 1))
    require(child.moment(60), "other", f"{child.line}: made no {after + 1} checkpoints")
    child.send(number)
    done = child.wait()
    require(done.code != 0, "other", f"{child.line}: ended before the signal")
    (directory,) = set(runs(place)) - before
    return directory


def refused(done: Done, *words: str) -> Done:
    """Require a refusal without a traceback that has all the words in it, whatever their case."""
    expected(done)
    require(done.code not in (0,) and done.code > 0, "silent", f"{done.line}: accepted: {done.text[-300:]}")
    missing = [word for word in words if word.lower() not in done.text.lower()]
    require(not missing, "other", f"{done.line}: the message has no {missing}: {done.text[-400:]}")
    return done
