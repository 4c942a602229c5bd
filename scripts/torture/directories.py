"""Damages run directories: no command breaks, none goes on with what is damaged, and nothing whole is lost."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import signal
from pathlib import Path

import numpy as np

from scripts.torture import inputs
from scripts.torture.aims import announcing
from scripts.torture.children import Done, Place, expected
from scripts.torture.comparing import checkpoints, fingerprint, left_over, record_of, require_same_end, step_of
from scripts.torture.damages import DAMAGES, OTHER, Damage
from scripts.torture.hooks import without_privileges
from scripts.torture.verdict import Topic, require

RUN = (
    "dataset=xlsa17",
    "dataset.root=features",
    "dataset.name=mine",
    "dataset.cache=null",
    "model=sgal",
    "model.latent_dim=4",
    "model.encoder.hidden=[16]",
    "model.decoder.hidden=[16]",
    "model.prior.hidden=[16,16]",
    "trainer.batch_size=16",
    "trainer.pretrain_steps=30",
    "trainer.em.iterations=30",
    "evaluator.every=20",
    "checkpoint.every=10",
    "checkpoint.keep=3",
    "tracker.figures=false",
    "tracker.progress=none",
    "runtime.device=cpu",
)
OF_NO_WEIGHT = frozenset({".lock", "error.txt", "result.json", "evaluations", "config.yaml.lock"})


def prepared(shared: Path) -> Path:
    """Return a folder with features, the unbroken run, one killed on its way, and one of another seed; made once."""
    folder = shared / "runs"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            place = Place(folder)
            inputs.write_features(place.home / "features", *inputs.feature_arrays())
            for further in (("name=whole",), ("name=other", "seed=1")):
                expected(place.run("zsl-run", *RUN, *further), 0)
            child = place.start("zsl-run", *RUN, "name=stopped", hook=announcing("renaming a checkpoint", 9))
            require(child.moment(60), "other", "the run to be stopped made no checkpoints")
            child.send(signal.SIGKILL)
            child.wait()
            for path in place.home.glob("outputs/sgal/mine/stopped/checkpoints/.*"):
                path.unlink()  # leaving such files is a damage of its own
            (folder / "ready").touch()
    return folder / "home"


def attempt(number: int, draw: np.random.Generator, folder: Path, shared: Path) -> tuple[str, str]:
    """Damage a copy of a stopped or of a whole run and give it to the four commands."""
    source = prepared(shared)
    name, damage_of = list(DAMAGES.items())[number % len(DAMAGES)]
    kind = ("stopped", "stopped", "whole")[draw.integers(3)]
    place = Place(folder)
    shutil.copytree(source, place.home, dirs_exist_ok=True)
    runs = place.home / "outputs" / "sgal" / "mine"
    directory = runs / kind
    for other in runs.iterdir():
        if other.name not in (kind, OTHER):
            shutil.rmtree(other)
    damage = damage_of(draw, place.home, directory)
    what = f"{name} of a {kind} run: {damage.told}"
    straight = source / "outputs" / "sgal" / "mine" / "whole"
    try:
        _looked_at(place, directory, straight, damage, what)
        verdict = _resumed(place, directory, straight, damage, what, kind)
        _kept(place, directory, straight, damage, what)
    finally:
        for undo in damage.restore:
            undo()
    return verdict, what


def _looked_at(place: Place, directory: Path, straight: Path, damage: Damage, what: str) -> None:
    """Report and evaluate: neither changes the run, and the metrics they show are right."""
    hook = without_privileges if damage.without_privileges else None
    before = _weighty(directory)
    report = place.run("zsl-report", "outputs", hook=hook)
    _require_whole(report, what)
    require("sgal" in report.out, "lost", f"{what}: zsl-report loses the run beside it: {report.text[-300:]}")
    scores = place.run("zsl-eval", directory, "--json", hook=hook)
    _require_whole(scores, what)
    require(_weighty(directory) == before, "other", f"{what}: zsl-report or zsl-eval changed the run")
    if scores.code == 0:
        try:
            found = json.loads(scores.out[scores.out.index("{") : scores.out.rindex("}") + 1])
        except ValueError:
            return
        wanted = record_of(straight)
        if found["checkpoint_step"] == step_of(checkpoints(straight)[-1]):
            shown = {tag: value for tag, value in found["metrics"].items() if tag.startswith("test/")}
            right = {tag: wanted["metrics"][tag] for tag in shown}
            require(shown == right, "silent", f"{what}: zsl-eval shows {shown}, right is {right}")


def _resumed(place: Place, directory: Path, straight: Path, damage: Damage, what: str, kind: str) -> str:
    """Resume: it ends like the unbroken run, or is refused and leaves everything as it was."""
    hook = without_privileges if damage.without_privileges else None
    before = _weighty(directory)
    done = place.run("zsl-run", f"resume={directory}", hook=hook)
    _require_whole(done, what)
    for undo in damage.restore:
        undo()
    if done.code != 0:
        require(damage.refuses, "lost", f"{what}: resume refuses: {done.text[-400:]}")
        after = _weighty(directory)
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        if damage.begins:
            changed = {name for name in changed & before.keys() if name.startswith(("checkpoints", "config.yaml"))}
        require(not changed, "lost", f"{what}: refused, but changed {sorted(changed)[:4]}: {done.text[-200:]}")
        return "refused"
    require(damage.takes or kind == "whole", "silent", f"{what}: resume goes on: {done.text[-300:]}")
    record, wanted = record_of(directory), record_of(straight)
    require(record["status"] == "complete", "lost", f"{what}: {record['status']} after resume")
    if kind == "stopped":
        require_same_end(straight, directory, rows=damage.rows, events=False)
        require(not left_over(directory), "other", f"{what}: temporary files stay: {left_over(directory)}")
    elif not damage.unknowable:
        same = record["metrics"] == wanted["metrics"]
        require(same, "silent", f"{what}: resume shows {record['metrics']}, right is {wanted['metrics']}")
    return "equal"


def _kept(place: Place, directory: Path, straight: Path, damage: Damage, what: str) -> None:
    """The same command with existing=keep: the run it names has the metrics of the unbroken one."""
    done = place.run("zsl-run", *RUN, "existing=keep")
    _require_whole(done, what)
    named = {directory.parent / name for name in re.findall(r"sgal/mine/([^\s/;:]+)", done.text)}
    if done.code != 0 or not named:
        return
    if damage.other_data:
        require(
            directory not in named, "silent", f"{what}: existing=keep takes a run on other data: {done.text[-200:]}"
        )
        return
    wanted = record_of(straight)["metrics"]
    metrics = [record_of(path)["metrics"] for path in named if (path / "result.json").is_file()]
    right = wanted in metrics or damage.unknowable
    require(right, "silent", f"{what}: existing=keep shows {metrics} of {sorted(map(str, named))}, right is {wanted}")


def _require_whole(done: Done, what: str) -> None:
    require(not done.broke, "traceback", f"{what}: {done.line}: {done.text[-300:]}")
    require(done.code in (0, 1, 2), "other", f"{what}: {done.line}: exit {done.code}: {done.text[-300:]}")


def _weighty(directory: Path) -> dict[str, str]:
    """Return what is in a run directory but for its record, its lock and what tells of errors."""
    found = fingerprint(directory)
    return {name: value for name, value in found.items() if name.partition("/")[0] not in OF_NO_WEIGHT}


DIRECTORIES = Topic("damaged run directories", 240, attempt, lambda number: list(DAMAGES)[number % len(DAMAGES)])
