"""Failing surroundings: full and read-only disks, no locks, streams that are closed, full, broken or ASCII only."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from scripts.torture import inputs
from scripts.torture.cases.runs import LINEAR, SMALL, runs
from scripts.torture.children import Done, Place, expected, fresh_command, fresh_environment
from scripts.torture.comparing import checkpoints, left_over, record_of, require_same_end
from scripts.torture.hooks import with_small_files, without_locks, without_privileges
from scripts.torture.mounts import make_read_only, small_disk
from scripts.torture.verdict import Topic, require

RUN = (*SMALL, "checkpoint.every=15")
DRAWN = (*RUN, "tracker.figures=true")
WORDS_OF_A_FULL_DISK = ("No space left", "File too large", "full")


def reference(shared: Path, *, drawn: bool = False) -> Path:
    """Return the directory of a run on a sound disk; the first caller makes it."""
    place = Place(shared / ("drawn" if drawn else "plain"))
    place.folder.mkdir(exist_ok=True)
    with (place.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not runs(place) or record_of(runs(place)[0])["status"] != "complete":
            shutil.rmtree(place.home)
            expected(place.run("zsl-run", *(DRAWN if drawn else RUN), "name=run"), 0)
    return runs(place)[0]


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def full_disk(draw: np.random.Generator, folder: Path, shared: Path) -> str:
    """A disk with less room than the run needs: it stops with the system's words, and goes on when there is room."""
    drawn = draw.random() < 0.3
    straight, arguments = reference(shared, drawn=drawn), DRAWN if drawn else RUN
    place, room = Place(folder), int(draw.uniform(4096, 1.6 * size_of(straight)))
    with small_disk(folder / "disk", room) as disk:
        done = place.run("zsl-run", *arguments, "name=run", f"outputs={disk}/outputs")
        _require_told(done, WORDS_OF_A_FULL_DISK, str(disk))
        if (disk / "outputs").is_dir():
            shutil.copytree(disk / "outputs", place.home / "outputs", dirs_exist_ok=True)
    _require_end(place, straight, arguments, done)
    return f"a disk of {room:,} bytes"


def full_disk_of_data(draw: np.random.Generator, folder: Path, shared: Path) -> str:
    """What zsl-data writes on a disk with less room: told in a line, no half of it stays, and with room it works."""
    place = Place(folder)
    own = inputs.write_features(place.home / "own", *inputs.feature_arrays())
    labels, vectors = np.repeat(np.arange(6), 20), draw.standard_normal((6, 8))
    np.savez(place.home / "arrays.npz", features=vectors[labels] + 1, labels=labels, class_vectors=vectors)
    arrays = ("--features", "arrays.npz", "--class-vectors", "arrays.npz", "--draw-unseen", "2")
    commands: Mapping[str, tuple[int, Callable[[Path], tuple[str | Path, ...]]]] = {
        "import": (40_000, lambda disk: ("import", disk / "mine", *arrays)),
        "synthesize": (260_000, lambda disk: ("synthesize", disk / "mine")),
        "synthesize --v73": (300_000, lambda disk: ("synthesize", disk / "mine", "--v73")),
        "prepare": (60_000, lambda disk: ("prepare", "xlsa17", "--source", own, "--cache", disk / "cache")),
        "describe": (60_000, lambda disk: ("describe", "xlsa17", "--source", own, f"cache={disk / 'cache'}")),
        "describe --figure": (200_000, lambda disk: ("describe", "toy", "--figure", disk / "toy.png")),
    }
    name = list(commands)[draw.integers(len(commands))]
    most, words = commands[name]
    room = int(draw.uniform(4096, most))
    with small_disk(folder / "disk", room) as disk:
        done = place.run("zsl-data", *words(disk))
        _require_told(done, WORDS_OF_A_FULL_DISK, str(disk))
        require(len(done.err.splitlines()) <= 2, "other", f"more than a warning and an error: {done.err[-400:]}")
        left = [path.name for path in disk.rglob("*") if path.is_file()]
        whole = done.code == 0 and "cannot be written" not in done.text  # describe does without its cache
        require(whole == bool(left), "other", f"{name} with {room:,} bytes leaves {left}: {done.text[-300:]}")
    with small_disk(folder / "disk", 10 * most) as disk:
        expected(place.run("zsl-data", *words(disk)), 0)
        require(any(path.is_file() for path in disk.rglob("*")), "lost", f"{name} with room writes nothing")
    return f"zsl-data {name} on a disk of {room:,} bytes"


def small_files(draw: np.random.Generator, folder: Path, shared: Path) -> str:
    """No file may be larger than a limit, as with a quota."""
    straight, place = reference(shared), Place(folder)
    limit = int(draw.choice([0, 100, 3000, 20_000, 1_000_000]) + draw.integers(0, 3000))
    child = place.run("zsl-run", *RUN, "name=run", hook=lambda pipe: _limited(pipe, limit))
    if 0 < max(len(child.out.encode()), len(child.err.encode())) < limit:  # what is printed goes to files, too
        _require_told(child, WORDS_OF_A_FULL_DISK, "")
    _require_end(place, straight, RUN, child)
    return f"files of at most {limit:,} bytes"


def _limited(pipe: int, limit: int) -> None:
    with_small_files(limit)(pipe)


def read_only(draw: np.random.Generator, folder: Path, shared: Path) -> str:
    """Each command on a file system that cannot be written: scores and tables are shown, nothing breaks."""
    straight, place = reference(shared), Place(folder)
    with small_disk(folder / "disk", 3 * size_of(straight) + 1_000_000) as disk:
        run = disk / "outputs/sgal/toy/run"
        shutil.copytree(straight, run)
        make_read_only(disk)
        command = ("zsl-report", "zsl-eval", "zsl-run", "new run", "sweep", "into")[draw.integers(6)]
        if command == "zsl-report":
            done = expected(place.run("zsl-report", disk / "outputs"), 0)
            require("sgal" in done.out, "lost", f"no table: {done.text[-300:]}")
        elif command == "zsl-eval":
            done = expected(place.run("zsl-eval", run))
            require("test/T1" in done.out, "lost", f"no scores: {done.text[-300:]}")
        elif command == "zsl-run":
            done = expected(place.run("zsl-run", f"resume={run}"), 0, 1, 2)
        elif command == "into":
            (folder / "page.md").write_text("<!-- zsl-report:a -->\n<!-- /zsl-report:a -->\n")
            done = expected(place.run("zsl-report", disk / "outputs", "--plot", disk / "figures"))
            require(done.code != 0 and "figures" in done.text, "silent", f"nothing is said: {done.text[-300:]}")
        else:
            further = ("-m", "seed=0,1") if command == "sweep" else ()
            done = expected(place.run("zsl-run", *LINEAR, *further, f"outputs={disk}/outputs"))
            require(done.code != 0, "silent", f"exit 0: {done.text[-300:]}")
            require("outputs" in done.text, "other", f"the folder is not named: {done.text[-300:]}")
    return f"{command} on a read-only file system"


def no_permission(draw: np.random.Generator, folder: Path, shared: Path) -> str:
    """Folders that may not be written or entered."""
    place = Place(folder)
    mode = int((0o555, 0o000, 0o444)[draw.integers(3)])
    closed = place.home / "outputs"
    closed.mkdir()
    closed.chmod(mode)
    try:
        done = expected(
            place.run("zsl-run", *LINEAR, *(("-m", "seed=0,1") if draw.random() < 0.3 else ()), hook=without_privileges)
        )
        require(done.code != 0, "silent", f"exit 0: {done.text[-300:]}")
        require("outputs" in done.text, "other", f"the folder is not named: {done.text[-300:]}")
        report = expected(place.run("zsl-report", "outputs", hook=without_privileges))
        require(  # one that may only not be entered can be seen to be empty
            mode != 0 or report.code != 0 or "outputs" in report.text,
            "silent",
            "an unreadable folder counts as empty",
        )
    finally:
        closed.chmod(0o755)
    return f"outputs of mode {mode:03o}"


def no_locks(draw: np.random.Generator, folder: Path, shared: Path) -> str:
    """A file system without locks: runs, resumes, sweeps and keeps."""
    straight, place = reference(shared), Place(folder)
    number = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)[draw.integers(4)]
    hook = without_locks(number)
    done = expected(place.run("zsl-run", *RUN, "name=run", hook=hook), 0)
    expected(place.run("zsl-run", f"resume={runs(place)[0]}", hook=hook), 0)
    expected(place.run("zsl-run", *RUN, "existing=keep", hook=hook), 0)
    expected(place.run("zsl-eval", runs(place)[0], hook=hook), 0)
    expected(place.run("zsl-report", "outputs", hook=hook), 0)
    require(len(runs(place)) == 1, "silent", f"{len(runs(place))} runs of one configuration")
    require_same_end(straight, runs(place)[0])
    require("lock" in done.text.lower(), "other", "nothing is said of the missing locks")
    return f"locks fail with {errno.errorcode[number]}"


def odd_outputs(draw: np.random.Generator, folder: Path, shared: Path) -> str:
    """Folders of outputs that are no folders."""
    place = Place(folder)
    (place.home / "file").write_text("x")
    (place.home / "loop").symlink_to("loop")
    (place.home / "dangling").symlink_to("nowhere/at/all")
    choices = (
        "file",
        "file/below",
        "loop",
        "loop/below",
        "dangling",
        "dangling/below",
        "a" * 300,
        "a/" * 2500,
        "/dev/null",
        "/proc/x",
    )
    name = choices[draw.integers(len(choices))]
    further = ("-m", "seed=0,1") if draw.random() < 0.3 else ()
    done = expected(place.run("zsl-run", *LINEAR, *further, f"outputs={name}"))
    require(done.code == 2, "other", f"outputs={name:.50}: exit {done.code} in place of 2: {done.text[-300:]}")
    require("outputs" in done.text, "other", f"outputs={name:.50}: not named: {done.text[-300:]}")
    report = expected(place.run("zsl-report", name.strip("'").replace("\\0", "")))
    require(report.code != 0, "silent", f"zsl-report {name:.50}: exit 0: {report.text[-200:]}")
    return f"outputs={name:.50}"


STREAMS: Mapping[str, str] = {
    "closed": "{command} {stream}>&-",
    "full": "{command} {stream}>/dev/full",
    "broken": "{command} {join}| true",
    "left early": "{command} {join}| head -c 1 >/dev/null",
    "ASCII": "PYTHONIOENCODING=ascii LC_ALL=C {command}",
    "both closed": "{command} >&- 2>&-",
    "all closed": "{command} <&- >&- 2>&-",
}


def odd_stream(draw: np.random.Generator, folder: Path, shared: Path) -> str:
    """A command in a fresh process with an odd stream: what it has to do is done, and its exit code says so."""
    straight, place = reference(shared), Place(folder)
    shutil.copytree(straight, place.home / "outputs/sgal/toy/run")
    name = list(STREAMS)[draw.integers(len(STREAMS))]
    stream = ("1", "2")[draw.integers(2)]
    commands = (
        ["zsl-run", *LINEAR, "name='é'", "tracker.progress=lines"],
        ["zsl-run", "-m", *LINEAR, "seed=0,1"],
        ["zsl-report", "outputs"],
        ["zsl-eval", "outputs/sgal/toy/run"],
        ["zsl-data", "describe", "toy"],
        ["zsl-run", "--help"],
        ["zsl-run", *LINEAR, "task=check"],
    )
    words = commands[draw.integers(len(commands))]
    script = folder / "command.sh"
    inner = STREAMS[name].format(command='"$@"', stream=stream, join="" if stream == "1" else "2>&1 ")
    script.write_text(f"set -o pipefail\n{inner}\nexit ${{PIPESTATUS[0]}}\n")
    with open(folder / "printed.txt", "w+b") as printed:
        process = subprocess.run(
            ["bash", str(script), *fresh_command(words)],
            cwd=place.home,
            env=fresh_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            timeout=180,
            check=False,
        )
    text = (folder / "printed.txt").read_text(errors="replace")
    done = Done(" ".join(words), process.returncode, text, "")
    what = f"{words[0]} {' '.join(words[1:2])} with {name} stream {stream}"
    require(not done.broke and "Exception ignored" not in text, "traceback", f"{what}: {done.text[-300:]}")
    shown_in_vain = words[0] != "zsl-run" or words[-1] in ("--help", "task=check")
    allowed = (0, 1, 2, 120, 141) if shown_in_vain and name != "ASCII" else (0,)
    require(done.code in allowed and done.code != 120, "other", f"{what}: exit {done.code}: {done.text[-300:]}")
    if not shown_in_vain:
        states = [
            record_of(path)["status"]
            for path in place.home.glob("outputs/eszsl/toy/*")
            if (path / "result.json").exists()
        ]
        wanted = 2 if "-m" in words else 1
        require(states == ["complete"] * wanted, "lost", f"{what}: {states}")
    return what


def _require_told(done: Done, words: tuple[str, ...], path: str) -> None:
    require(not done.broke, "traceback", done.text[-400:])
    if done.code == 0:
        return
    cut = done.text.endswith("File too")  # the limit holds for the file that the message is written to
    require(
        cut or any(word in done.text for word in words), "other", f"the message does not tell why: {done.text[-400:]}"
    )
    require(path in done.text, "other", f"the message does not tell where: {done.text[-400:]}")


def _require_end(place: Place, straight: Path, arguments: tuple[str, ...], done: Done) -> None:
    """Require that the run comes to the unbroken run's end on a sound disk, from the checkpoints it has."""
    directories = runs(place)
    if not directories:
        require(done.code != 0, "silent", "exit 0 and no run")
        return
    before = len(checkpoints(directories[0]))
    again = place.run("zsl-run", f"resume={directories[0]}")
    require(not again.broke, "traceback", again.text[-400:])
    require(again.code == 0, "lost", f"with {before} checkpoints: {again.text[-400:]}")
    require_same_end(straight, directories[0], events=False)
    require(not left_over(directories[0]), "other", f"temporary files stay: {left_over(directories[0])}")


KINDS: Mapping[str, Callable[[np.random.Generator, Path, Path], str]] = {
    "a full disk": full_disk,
    "an odd stream": odd_stream,
    "small files": small_files,
    "a read-only disk": read_only,
    "no permission": no_permission,
    "another odd stream": odd_stream,
    "no locks": no_locks,
    "odd outputs": odd_outputs,
    "data on a full disk": full_disk_of_data,
}


def attempt(number: int, draw: np.random.Generator, folder: Path, shared: Path) -> tuple[str, str]:
    """Make one kind of failure."""
    name, fail = list(KINDS.items())[number % len(KINDS)]
    return "equal", f"{name}: {fail(draw, folder, shared)}"


DISKS = Topic("failing disks, locks and streams", 80, attempt, lambda number: list(KINDS)[number % len(KINDS)])
