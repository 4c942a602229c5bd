"""Damages run directories: no command breaks, none goes on with what is damaged, and nothing whole is lost."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from scripts.torture import inputs
from scripts.torture.aims import announcing
from scripts.torture.children import Done, Place, expected
from scripts.torture.comparing import checkpoints, fingerprint, left_over, record_of, require_same_end, step_of
from scripts.torture.hooks import without_privileges
from scripts.torture.mutation import cut, flip
from scripts.torture.verdict import Topic, require

RUN = (
    "dataset=xlsa17", "dataset.root=features", "dataset.name=mine", "dataset.cache=null", "model=sgal", "model.latent_dim=4",
    "model.encoder.hidden=[16]", "model.decoder.hidden=[16]", "trainer.batch_size=16", "trainer.pretrain_steps=30",
    "trainer.em.iterations=30", "evaluator.every=20", "checkpoint.every=10", "checkpoint.keep=3", "tracker.figures=false",
    "tracker.progress=none", "runtime.device=cpu",
)  # fmt: skip
OF_NO_WEIGHT = frozenset({".lock", "error.txt", "result.json", "evaluations", "config.yaml.lock"})


@dataclass
class Damage:
    """What was done to a run directory.

    Attributes:
        told: in words.
        takes: whether a stopped run may be continued, to the end of the unbroken one.
        refuses: whether a refusal is right.
        rows: whether ``metrics.csv`` can be expected to be whole in the end.
        other_data: the data are no longer those of the run.
        unknowable: the record's own figures were changed, which nothing tells of a whole run.
        without_privileges: run the commands without root's privileges, for whom permissions do not count.
        restore: undoes what would keep the folder from being removed.
    """

    told: str
    takes: bool = True
    refuses: bool = True
    rows: bool = True
    other_data: bool = False
    unknowable: bool = False
    without_privileges: bool = False
    restore: list[Callable[[], None]] = field(default_factory=list)


def prepared(shared: Path) -> Path:
    """Return a folder with features, the unbroken run, one killed on its way, and one of another seed; made once."""
    folder = shared / "runs"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            place = Place(folder)
            inputs.write_features(place.home / "features", *inputs.feature_arrays())
            for further in (("name=whole",), ("name=other", "seed=1"), ("name=longer", "trainer.em.iterations=50")):
                expected(place.run("zsl-run", *RUN, *further), 0)
            child = place.start("zsl-run", *RUN, "name=stopped", hook=announcing("renaming a checkpoint", 9))
            require(child.moment(60), "other", "the run to be stopped made no checkpoints")
            child.send(signal.SIGKILL)
            child.wait()
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
        if other.name not in (kind, "other"):
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
    """Report and evaluate: neither changes the run, and figures that are shown are right."""
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
    """The same command with existing=keep: the run it names has the figures of the unbroken one."""
    done = place.run("zsl-run", *RUN, "existing=keep")
    _require_whole(done, what)
    named = {directory.parent / name for name in re.findall(r"sgal/mine/([^\s/;:]+)", done.text)}
    if done.code != 0 or not named:
        return
    if damage.other_data:
        require(directory not in named, "silent", f"{what}: existing=keep takes a run on other data: {done.text[-200:]}")
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


DamageOf = Callable[[np.random.Generator, Path, Path], Damage]


def _newest(directory: Path) -> Path:
    return checkpoints(directory)[-1]


def cut_checkpoint(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Cut the newest checkpoint; the one before it is whole."""
    return Damage(cut(draw, _newest(directory)), refuses=False)


def flipped_checkpoint(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Change a bit of the newest checkpoint."""
    return Damage(flip(draw, _newest(directory)), refuses=False)


def all_checkpoints_damaged(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Damage every checkpoint: there is nothing to go on with, and that is said."""
    for path in checkpoints(directory):
        (cut if draw.random() < 0.5 else flip)(draw, path)
    return Damage("all checkpoints damaged")


def all_checkpoints_flipped(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Change a bit of every checkpoint."""
    return Damage("; ".join(flip(draw, path) for path in checkpoints(directory)))


def removed(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Remove one of the files."""
    files = [path for path in sorted(directory.rglob("*")) if path.is_file() and path.name != ".lock"]
    path = files[draw.integers(len(files))]
    path.unlink()
    is_event = path.name.startswith("events")
    return Damage(f"{path.name} removed", refuses=not is_event, rows=path.name != "metrics.csv")


def cut_file(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Cut the configuration, the record, the table or an event file."""
    files = [path for path in sorted(directory.iterdir()) if path.is_file() and path.name != ".lock"]
    path = files[draw.integers(len(files))]
    return Damage(cut(draw, path), rows=path.name != "metrics.csv")


def flipped_file(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Change a bit of the record, the table or an event file; of the figures in a table nobody can tell."""
    files = [path for path in sorted(directory.iterdir()) if path.is_file() and path.name not in (".lock", "config.yaml")]
    path = files[draw.integers(len(files))]
    told = flip(draw, path)
    return Damage(told, rows=path.name != "metrics.csv", unknowable=path.name == "result.json")


def edited_configuration(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Change a value in the saved configuration that decides the figures."""
    path = directory / "config.yaml"
    text = path.read_text()
    changes = (
        ("\nseed: 0\n", "\nseed: 1\n"), ("    lr: 0.001", "    lr: 0.01"), ("pretrain_steps: 30", "pretrain_steps: 20"),
        ("latent_dim: 4", "latent_dim: 5"), ("batch_size: 16", "batch_size: 15"), ("iterations: 30", "iterations: 31"),
        ("semantic_scaling: center", "semantic_scaling: none"), ("holdout: 0.2", "holdout: 0.3"), ("select: last", "select: val"),
    )  # fmt: skip
    old, new = changes[draw.integers(len(changes))]
    assert old in text, old
    path.write_text(text.replace(old, new))
    return Damage(f"config.yaml: {new.strip()}", takes=False)


def broken_configuration(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Write something else in place of the saved configuration."""
    contents = (b"", b"[" * 2000, b"\xff\xfe", b"- 1\n", b"seed: [\n", b"defaults:\n  - config\n", b"seed: ${seed}\n", b"a: &x [*x]\n")
    how = int(draw.integers(len(contents)))
    (directory / "config.yaml").write_bytes(contents[how])
    return Damage(f"config.yaml, way {how}", takes=False)


def broken_record(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Write something else in place of the record."""
    contents = (
        b"", b"[" * 100_000, b'{"a":' * 50_000, b"\xff", b"[]", b"null", b"{}", b'{"status": "complete"}', b"1e999", b'"x"',
        b'{"status": 1, "model": 2}', b"\x00" * 100,
    )  # fmt: skip
    how = int(draw.integers(len(contents)))
    (directory / "result.json").write_bytes(contents[how])
    return Damage(f"result.json, way {how}")


def edited_record(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Change fields of the record to other types and values."""
    path = directory / "result.json"
    content = json.loads(path.read_text())
    key = list(content)[draw.integers(len(content))]
    values = (None, 1, "x", [], {}, True, {"a": {"b": [1]}}, -1, 1e300, [None], {"test/H": "x"}, {"test/H": None})
    content[key] = values[draw.integers(len(values))]
    path.write_text(json.dumps(content))
    return Damage(f"result.json: {key} is {content[key]!r}", unknowable=key in ("metrics", "quantities", "validation"))


def foreign_record(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Put the record of a run of another seed, which calls itself complete, in place of this one's."""
    content = json.loads((directory.parent / "other" / "result.json").read_text())
    content["seed"] = 0
    (directory / "result.json").write_text(json.dumps(content))
    return Damage("the record of another run")


def foreign_checkpoints(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Put the checkpoints of another run in place of this one's."""
    shutil.rmtree(directory / "checkpoints")
    shutil.copytree(directory.parent / "other" / "checkpoints", directory / "checkpoints")
    return Damage("checkpoints of another seed", takes=False)


def one_foreign_checkpoint(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Put a checkpoint of another run beside this one's, as the newest."""
    source = _newest(directory.parent / "other")
    shutil.copy(source, directory / "checkpoints" / "step-000000999.pt")
    return Damage("the newest checkpoint is of another seed")


def renamed_checkpoint(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Rename the oldest checkpoint as if it were the newest."""
    checkpoints(directory)[0].rename(directory / "checkpoints" / "step-000000998.pt")
    return Damage("the oldest checkpoint is called the newest", rows=False)


def other_data(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Exchange the data under the run: other numbers in files of the same size."""
    features, splits = inputs.feature_arrays()
    features["features"] = np.roll(features["features"], int(draw.integers(1, 300)), 1)
    inputs.write_features(home / "features", features, splits)
    return Damage("data exchanged", takes=False, other_data=True)


def no_data(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Remove the data."""
    shutil.rmtree(home / "features")
    return Damage("data removed", takes=False)


def unreadable(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Take the permission to read a file or folder."""
    names = ("checkpoints", "config.yaml", "result.json", "metrics.csv")
    path = directory / names[draw.integers(len(names))]
    mode = path.stat().st_mode
    path.chmod(0)
    return Damage(
        f"{path.name} unreadable", takes=False, without_privileges=True, restore=[lambda: path.chmod(mode)]
    )


def read_only(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Take the permission to write into the folder or that of the checkpoints."""
    path = (directory, directory / "checkpoints")[draw.integers(2)]
    mode = path.stat().st_mode
    path.chmod(0o555)
    return Damage(
        f"{path.name} not writable", takes=False, without_privileges=True, restore=[lambda: path.chmod(mode)]
    )


def another_kind(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Put a folder, a link to itself or to nowhere in place of a file."""
    names = ("config.yaml", "result.json", "metrics.csv", "checkpoints", ".lock")
    path = directory / names[draw.integers(len(names))]
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    how = int(draw.integers(3))
    if how == 0:
        path.mkdir() if path.name != "checkpoints" else path.write_text("x")
    elif how == 1:
        path.symlink_to(path)
    else:
        path.symlink_to(directory / "nowhere" / "at" / "all")
    return Damage(f"{path.name}, way {how}", rows=path.name != "metrics.csv")


def moved(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Put a link to the run in its place: it is the same run."""
    elsewhere = home / "elsewhere"
    os.rename(directory, elsewhere)
    directory.symlink_to(elsewhere)
    return Damage("a link to the run", refuses=False)


def torn_table(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Tear the last line of the table, or put odd bytes between its lines."""
    path = directory / "metrics.csv"
    content = path.read_bytes()
    how = int(draw.integers(6))
    middle = content.index(b"\n", len(content) // 2) + 1
    odd = (b"", b"\r", b"\x00\n", b"\xff\xfe\n", b'"\n', b"1,2\n")[how]
    torn = content + b"97,tune,em,tune/em/lo" if how == 0 else content[:middle] + odd + content[middle:]
    path.write_bytes(torn)
    return Damage(f"metrics.csv, way {how}", refuses=how != 0, rows=how == 0)


def left_behind(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Leave the temporary files of a process that was killed."""
    newest = _newest(directory)
    newest.with_name(f".{newest.name}.4194303.tmp").write_bytes(newest.read_bytes()[:1000])
    (directory / ".result.json.0a1b2c3d.tmp").write_text("{")
    (directory / ".metrics.csv.0a1b2c3d.tmp").write_text("")
    return Damage("temporary files", refuses=False)


def emptied(draw: np.random.Generator, home: Path, directory: Path) -> Damage:
    """Empty or remove the folder of checkpoints."""
    shutil.rmtree(directory / "checkpoints")
    if draw.random() < 0.5:
        (directory / "checkpoints").mkdir()
    return Damage("no checkpoints")


DAMAGES: dict[str, DamageOf] = {
    "a cut checkpoint": cut_checkpoint,
    "a bit of a checkpoint": flipped_checkpoint,
    "all checkpoints": all_checkpoints_damaged,
    "a bit of each checkpoint": all_checkpoints_flipped,
    "a file removed": removed,
    "a file cut": cut_file,
    "a bit of a file": flipped_file,
    "the configuration edited": edited_configuration,
    "the configuration broken": broken_configuration,
    "the record broken": broken_record,
    "the record edited": edited_record,
    "another run's record": foreign_record,
    "another run's checkpoints": foreign_checkpoints,
    "another run's newest checkpoint": one_foreign_checkpoint,
    "a checkpoint renamed": renamed_checkpoint,
    "other data": other_data,
    "no data": no_data,
    "unreadable": unreadable,
    "read-only": read_only,
    "another kind of file": another_kind,
    "a link": moved,
    "the table torn": torn_table,
    "left behind": left_behind,
    "no checkpoints": emptied,
}
DIRECTORIES = Topic("damaged run directories", 240, attempt, lambda number: list(DAMAGES)[number % len(DAMAGES)])
