"""Cases in which work was lost, or a traceback stood in place of a message."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess

from scripts.torture import inputs
from scripts.torture.cases.printed import names_to_paste
from scripts.torture.cases.runs import LINEAR, SMALL, killed, refused, run_once, runs
from scripts.torture.children import Place, expected, fresh_command, fresh_environment
from scripts.torture.comparing import checkpoints, record_of, require_same_end
from scripts.torture.hooks import no_such_call, signalled_after_renaming, slow_to_make_directories, without_locks
from scripts.torture.loading import loaded
from scripts.torture.mounts import make_read_only, small_disk
from scripts.torture.verdict import require


def a_reader_that_has_enough(place: Place) -> None:
    """``zsl-run -m ... | head -1``: nothing that is printed may raise into a run."""
    words = ["zsl-run", "-m", *LINEAR, "seed=0,1"]
    process = subprocess.Popen(
        fresh_command(words),
        cwd=place.home,
        env=fresh_environment(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    code = process.wait(120)
    states = [record_of(directory)["status"] for directory in runs(place)]
    require(states == ["complete", "complete"], "lost", f"{states} after the reader left")
    require(code == 0, "other", f"exit {code} after the reader left")


def a_terminal_that_hangs_up(place: Place) -> None:
    """SIGHUP stops a run as SIGTERM does, unless it is ignored; a run without its process is shown as cut short."""
    directory = killed(place, *SMALL, "trainer.em.iterations=2000", number=signal.SIGHUP)
    require(record_of(directory)["status"] == "interrupted", "lost", f"{record_of(directory)['status']} after SIGHUP")
    require(len(checkpoints(directory)) > 0, "lost", "no checkpoint after SIGHUP")

    def ignoring(_: int) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    child = place.start("zsl-run", *SMALL, "name=nohup", hook=ignoring)
    while not (place.home / "outputs/sgal/toy/nohup/result.json").exists() and not child.has_ended():
        signal.sigtimedwait([], 0.05)  # until then the child may not have come to ignore it
    for _ in range(20):
        child.send(signal.SIGHUP)
        if child.has_ended():
            break
        signal.sigtimedwait([], 0.05)
    expected(child.wait(), 0)
    killed(place, *SMALL, "name=gone")
    done = expected(place.run("zsl-report", "outputs"), 0)
    line = next((line for line in done.out.splitlines() if "gone" in line), "")
    require(not re.search(r"\brunning\b|still run", line), "silent", f"a run whose process is gone: {line or done.out}")
    require(line, "other", f"a run whose process is gone is not listed: {done.out}")


def hydras_directories(place: Place) -> None:
    """Hydra's settings of directories work, or are refused with the option to use."""
    for number, setting in enumerate(("hydra.run.dir=X", "hydra.job.chdir=true", "hydra.output_subdir=.hydra")):
        home = Place(place.folder / f"place-{number}")
        done = expected(home.run("zsl-run", *LINEAR, setting))
        if done.code == 2:
            named = "config.yaml" if setting.startswith("hydra.output_subdir") else "outputs"
            require(named in done.text, "other", f"{setting}: what to use is not named: {done.text[-300:]}")
            continue
        require(done.code == 0, "other", f"{setting}: exit {done.code}")
        if setting.startswith("hydra.run.dir"):
            require(list(home.home.glob("X/**/result.json")), "silent", f"{setting}: ignored")
        require(not list(home.home.glob("outputs/outputs")), "silent", f"{setting}: results lie in outputs/outputs")


def recursion(place: Place) -> None:
    """What is nested too deeply or names itself is told; a neighbour's damaged record never stops a run."""
    folder = place.home / "conf" / "experiment"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("# @package _global_\ndefaults:\n  - mine\n")
    refused(place.run("zsl-run", *LINEAR, "--config-dir", place.home / "conf", "experiment=mine"), "mine")
    refused(place.run("zsl-run", *LINEAR, f"{'a.' * 400}a=1"))
    run_once(place, *LINEAR)
    neighbour = place.home / "outputs/eszsl/toy/damaged"
    neighbour.mkdir()
    for content in ("[" * 100_000, '{"a":' * 100_000, "\x00", ""):
        (neighbour / "result.json").write_text(content)
        expected(place.run("zsl-run", "-m", *LINEAR, "seed=0,1"), 0)
        done = expected(place.run("zsl-report", "outputs"), 0)
        require("damaged" in done.text, "other", f"zsl-report does not name the damaged record: {done.text[-300:]}")


def a_dangling_link(place: Place) -> None:
    """``outputs`` that is a dangling link, a loop or a file is refused by name."""
    (place.home / "dangling").symlink_to(place.home / "nowhere" / "at" / "all")
    (place.home / "loop").symlink_to(place.home / "loop")
    (place.home / "file").write_text("x")
    for name in ("dangling", "loop", "file"):
        done = refused(place.run("zsl-run", *LINEAR, f"outputs={name}"), "outputs")
        require(done.code == 2, "other", f"outputs={name}: exit {done.code}")


def an_evaluation_without_a_place(place: Place) -> None:
    """``zsl-eval`` names a damaged configuration; on a read-only file system it shows its scores."""
    directory = run_once(place, *SMALL)
    with small_disk(place.folder / "disk", 50_000_000) as disk:
        copy = disk / "outputs" / "sgal" / "toy" / directory.name
        shutil.copytree(directory, copy)
        make_read_only(disk)
        done = expected(place.run("zsl-eval", copy))
        require("test/T1" in done.text, "lost", f"the scores are lost: {done.text[-300:]}")
        require("not kept" in done.text, "other", f"it does not say that they are not kept: {done.text[-300:]}")
    text = (directory / "config.yaml").read_text()
    (directory / "config.yaml").write_text(text[: len(text) // 2])
    refused(place.run("zsl-eval", directory), "config.yaml")


def a_bare_carriage_return(place: Place) -> None:
    """A carriage return in a table of metrics: the file is named, the other runs are drawn."""
    for seed in (0, 1):
        run_once(place, *SMALL, f"seed={seed}")
    file = runs(place)[0] / "metrics.csv"
    content = file.read_bytes()
    file.write_bytes(content[:200] + b"\r" + content[200:])
    done = expected(place.run("zsl-report", "outputs", "--plot", "drawn"), 0)
    require(str(file.parent.name) in done.text or str(file) in done.text, "silent", f"not named: {done.text[-300:]}")
    require(list((place.home / "drawn").glob("*.png")), "lost", "nothing was drawn")


def sizes_that_overflow(place: Place) -> None:
    """Sizes in an idx file whose product overflows are held against the length of the file."""
    contents = inputs.idx_contents()
    name = "train-images-idx3-ubyte"
    for sizes in ((2**22, 2**21, 2**21), (2**31, 2**31, 4), (2**32 - 1,) * 3):
        header = bytes((0, 0, 8, 3)) + b"".join(size.to_bytes(4, "big") for size in sizes)
        root = inputs.write_files(place.folder / f"mnist-{sizes[0]}", {**contents, name: header})
        found = loaded(place, "mnist_images", f"root={root}")
        require(found.values is None, "silent", f"sizes {sizes} were accepted")
        require(name in found.refusal, "other", f"the file is not named: {found.refusal}")


def no_locks(place: Place) -> None:
    """Where the file system has no locks a run goes on and says that they are missing."""
    done = expected(place.run("zsl-run", *LINEAR, hook=without_locks(no_such_call())))
    require(done.code == 0, "lost", f"exit {done.code}: {done.text[-300:]}")
    require("lock" in done.text.lower(), "other", f"nothing is said of locks: {done.text[-300:]}")


def a_byte_order_mark(place: Place) -> None:
    """Lists of names with a byte order mark and Windows line ends are read."""
    root = inputs.write_masked(place.folder / "pictures")
    names = [f"im{number:02d}" for number in range(12)]
    for file, part in (("train", names[:6]), ("validation", names[6:8]), ("test", names[8:])):
        (root / f"{file}.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(part).encode())
    found = loaded(place, "image_folder", f"root={root}", "side=32")
    require(found.values is not None, "other", found.refusal)
    assert found.values is not None
    sizes = [len(found.values[split]) for split in ("train", "validation", "test")]
    require(sizes == [6, 2, 4], "silent", f"{sizes} pairs")


def transposed_class_vectors(place: Place) -> None:
    """Class vectors stored the wrong way round are called transposed."""
    features, splits = inputs.feature_arrays(attributes=30)
    root = inputs.write_features(place.folder / "features", features, {**splits, "att": splits["att"].T})
    refused(place.run("zsl-run", "dataset=xlsa17", f"dataset.root={root}", "model=eszsl"), "att", "transposed")


def a_baseline_by_number(place: Place) -> None:
    """A baseline's value is compared as a number; where there is none, what there is is listed."""
    small = (*(word for word in SMALL if not re.search("em[.]|pretrain|prior", word)), "model=vzsl", "trainer.steps=20")
    expected(place.run("zsl-run", "-m", *small, "trainer.optim.lr=1e-5,1e-4"), 0)
    for text in ("1e-5", "0.00001", "1e-05"):
        done = place.run("zsl-report", "outputs", "--baseline", f"vzsl,lr={text}")
        require(done.code == 0 and not done.broke, "other", f"lr={text}: {done.text[-300:]}")
    refused(place.run("zsl-report", "outputs", "--baseline", "vzsl,lr=3"), "1e-05")


def a_full_disk(place: Place) -> None:
    """A disk that is full when a checkpoint is written is told as such, with the path; resumed, the run is whole."""
    wide = (*SMALL, "model.prior.hidden=[256,256]")  # so that half a checkpoint is more than the room for all else
    straight = run_once(place, *wide, "name=straight")
    size = checkpoints(straight)[-1].stat().st_size
    others = sum(path.stat().st_size for path in straight.rglob("*") if path.is_file() and path.suffix != ".pt")
    with small_disk(place.folder / "disk", others + 150_000 + int(2.5 * size)) as disk:
        done = place.run("zsl-run", *wide, "name=full", f"outputs={disk}/outputs")
        refused(done, "No space left on device", "step-", str(disk))
        shutil.copytree(disk / "outputs", place.home / "outputs", dirs_exist_ok=True)
    directory = place.home / "outputs/sgal/toy/full"
    require(len(checkpoints(directory)) > 0, "lost", "the checkpoints before are gone")
    expected(place.run("zsl-run", f"resume={directory}"), 0)
    require_same_end(straight, directory, events=False)


def a_missing_record(place: Place) -> None:
    """A run whose record is missing is resumed: the record is made again from what is whole."""
    straight = run_once(place, *SMALL, "name=straight")
    directory = killed(place, *SMALL, "name=removed")
    (directory / "result.json").unlink()
    expected(place.run("zsl-run", f"resume={directory}"), 0)
    require_same_end(straight, directory, events=False)
    place.run("zsl-run", *SMALL, "name=early", hook=signalled_after_renaming("config.yaml", signal.SIGKILL))
    early = place.home / "outputs/sgal/toy/early"
    require(not (early / "result.json").exists(), "other", "the kill came too late")
    expected(place.run("zsl-run", f"resume={early}"), 0)
    require_same_end(straight, early, events=False)


def two_identical_commands(place: Place) -> None:
    """Of two identical commands in one instant one starts the run, and the other waits or says so."""
    for attempt in range(2):
        command = (*LINEAR, "existing=keep", f"outputs=both-{attempt}")
        children = [place.start("zsl-run", *command, hook=slow_to_make_directories) for _ in range(2)]
        ends = [child.wait() for child in children]
        require(not any(done.broke for done in ends), "traceback", " / ".join(done.text[-200:] for done in ends))
        found = runs(place, f"both-{attempt}")
        require(len(found) == 1, "silent", f"{len(found)} runs of one configuration")
        require(any(done.code == 0 for done in ends), "lost", " / ".join(done.text[-200:] for done in ends))


def a_missing_value(place: Place) -> None:
    """``???`` on a command line is no value."""
    for key in ("trainer.optim.eps", "trainer.pretrain_steps", "seed", "name"):
        refused(place.run("zsl-run", *SMALL, f"{key}=???"), key)
    require(not (place.home / "outputs").exists(), "silent", "something was written")


def printed_commands(place: Place) -> None:
    """Every printed command works when it is pasted into a shell, whatever the name of the folder."""
    names_to_paste(place)
