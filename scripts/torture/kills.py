"""Kills runs at random moments and resumes them: the end must be that of a run that was never stopped, to the bit."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np

from scripts.torture.aims import EVENTS, announcing, announcing_the_test, noting_checkpoints
from scripts.torture.children import Child, Hook, Place, expected
from scripts.torture.comparing import checkpoints, left_over, require_same_end, step_of
from scripts.torture.setups import SETUPS
from scripts.torture.verdict import Found, Topic, require

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
MOST_KILLS = 3
FRESH_SHARE = 0.08
SECONDS_TO_LOAD = 3.0
UNIFORM, TESTING = "any moment", "the test"
AIMS = (UNIFORM, UNIFORM, UNIFORM, TESTING, TESTING, *EVENTS)


def reference(shared: Path, name: str) -> tuple[Path, float]:
    """Return the directory of a set-up's run that was never stopped, and its seconds; the first caller makes it."""
    folder = shared / name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = folder / "seconds.json"
        if not note.exists():
            shutil.rmtree(folder / "home", ignore_errors=True)
            start = time.monotonic()
            expected(Place(folder).run("zsl-run", *SETUPS[name], "name=run"), 0)
            note.write_text(json.dumps(time.monotonic() - start))
    (directory,) = folder.glob("home/outputs/*/*/run")
    return directory, float(json.loads(note.read_text()))


def attempt(number: int, draw: np.random.Generator, folder: Path, shared: Path) -> tuple[str, str]:
    """Start a run, kill it once or several times, let it come to its end, compare."""
    name = list(SETUPS)[number % len(SETUPS)]
    straight, seconds = reference(shared, name)
    place, story = Place(folder), [name]
    for kill in range(MOST_KILLS):
        if kill and draw.random() < 0.5:
            break
        ended, told = _killed(place, draw, seconds, next_command(place, name))
        story.append(told)
        if ended:
            break
    try:
        _to_the_end(place, name)
        (directory,) = _whole_runs(place)
        require_same_end(straight, directory)
        require(not left_over(directory), "other", f"temporary files stay: {left_over(directory)}")
    except Found as found:
        raise Found(found.kind, f"{'; '.join(story)}: {found.why}") from found
    return "equal", "; ".join(story)


def next_command(place: Place, name: str) -> tuple[str, ...]:
    """Return the arguments that go on with what there is: resume the run, or start it if it has left nothing."""
    directories = _whole_runs(place)
    return (f"resume={directories[0]}",) if directories else (*SETUPS[name], "name=run")


def _whole_runs(place: Place) -> list[Path]:
    """Return the run directories that hold a configuration; without one there is nothing to go on with."""
    return sorted(path.parent for path in place.home.glob("outputs/*/*/*/config.yaml"))


def _killed(place: Place, draw: np.random.Generator, seconds: float, command: tuple[str, ...]) -> tuple[bool, str]:
    """Run a command until a signal ends it; tell whether it came to its end before, and what was done."""
    number = SIGNALS[draw.integers(len(SIGNALS))]
    aim = AIMS[draw.integers(len(AIMS))]
    fresh = draw.random() < FRESH_SHARE
    told = f"{number.name} at {aim}{', a fresh process' if fresh else ''}"
    if fresh or aim == UNIFORM:
        child = place.start("zsl-run", *command, fresh=fresh)
        _sleep(child, draw.uniform(0, seconds + (SECONDS_TO_LOAD if fresh else 0)))
    else:
        child = place.start("zsl-run", *command, hook=_hook(aim, draw))
        if child.moment(60):
            _sleep(child, draw.choice([0.0, 0.002, 0.02, 0.3]) * draw.random())
    ended = child.has_ended()
    child.send(number)
    done = child.wait()
    if not (done.code == 1 and number == signal.SIGINT and fresh):
        expected(done, 0, -number, 128 + number, 130)
    return done.code == 0, f"{told} ({'too late' if ended else f'exit {done.code}'})"


def _hook(aim: str, draw: np.random.Generator) -> Hook:
    return announcing_the_test if aim == TESTING else announcing(aim, int(draw.integers(1, 12)))


def _sleep(child: Child, seconds: float) -> None:
    """Wait, but not longer than the process lives."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not child.has_ended():
        time.sleep(min(0.005, max(0.0, deadline - time.monotonic())))


def _to_the_end(place: Place, name: str) -> None:
    """Let the run come to its end; it must go on from its newest checkpoint."""
    before = [step_of(path) for directory in _whole_runs(place) for path in checkpoints(directory)]
    appeared = place.folder / "appeared.txt"
    done = place.run("zsl-run", *next_command(place, name), hook=noting_checkpoints(appeared))
    require(not done.broke, "traceback", done.text[-300:])
    require(done.code == 0, "lost", f"{done.line}: exit {done.code}: {done.text[-400:]}")
    steps = [int(text) for text in re.findall(r"step-(\d+)", appeared.read_text())] if appeared.exists() else []
    if before and steps:
        require(
            min(steps) >= max(before),
            "lost",
            f"went on before step {min(steps)} with a checkpoint of step {max(before)}",
        )


KILLS = Topic(
    "random kills over every trainer", 220, attempt, lambda number: f"set-up {list(SETUPS)[number % len(SETUPS)]}"
)
