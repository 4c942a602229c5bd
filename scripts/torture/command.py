"""``make torture``: makes the tries in several processes, keeps what reproduces each finding, prints a table."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scripts.torture.children import load_everything, stop_all
from scripts.torture.topics import TOPICS
from scripts.torture.verdict import BAD, Found, Skip, Topic, Verdict

COLUMNS = ("tried", "refused", "equal", "skipped", *BAD)
SECONDS_BETWEEN_LINES = 15.0


@dataclass(frozen=True)
class Work:
    """One try to be made: its topic, number, the seed of the session and the folder of all folders."""

    topic: str
    number: int
    seed: int
    folder: Path


def parser() -> argparse.ArgumentParser:
    """Return the command's argument parser."""
    made = argparse.ArgumentParser(
        prog="torture",
        description="Try to break zsl-run. Exit code 1 if there is any finding; what reproduces it is kept.",
        epilog="topics: " + "; ".join(f"{name} ({topic.title}, {topic.count})" for name, topic in TOPICS.items()),
    )
    made.add_argument("--only", metavar="TOPIC", nargs="+", choices=TOPICS, default=list(TOPICS), help="some topics")
    made.add_argument("--scale", type=float, default=1.0, metavar="X", help="share of the tries, e.g. 0.1 (default 1)")
    made.add_argument("--seed", type=int, default=0, metavar="N", help="another seed makes other tries (default 0)")
    made.add_argument("--number", type=int, nargs="+", metavar="N", help="these tries only; with --only TOPIC")
    made.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (default 2)")
    made.add_argument(
        "--keep", type=Path, default=Path("torture-findings"), metavar="DIR", help="where findings are kept"
    )
    made.add_argument("--scratch", type=Path, metavar="DIR", help="where to work; default: the temporary folder")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the tries and print the table; return the exit code."""
    options = parser().parse_args(arguments)
    load_everything()
    start = time.perf_counter()
    if options.scratch is not None:
        options.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="zsl-torture-", dir=options.scratch, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # some tries are made as another user
        counts: dict[str, Counter[str]] = {topic: Counter() for topic in options.only}
        seconds = dict.fromkeys(options.only, 0.0)
        work = [
            Work(topic, number, options.seed, folder)
            for topic in options.only
            for number in numbers(TOPICS[topic], options.scale, options.number)
        ]
        for item, verdict, took in outcomes(work, options.jobs):
            counts[item.topic].update(("tried", verdict.kind))
            seconds[item.topic] += took
            if verdict.is_finding:
                kept = _kept(item, verdict, options.keep)
                print(
                    f"\n{item.topic} {item.number}: {verdict.kind}: {verdict.what}\n  {verdict.why}\n  kept in {kept}"
                )
            elif verdict.kind == "skipped":
                print(f"\n{item.topic} {item.number}: skipped: {verdict.what}: {verdict.why}")
            sys.stdout.flush()
    print("\n" + "\n".join(table(counts, seconds)))
    print(f"\nseed {options.seed}, {time.perf_counter() - start:.0f} s with {options.jobs} processes")
    return int(any(count[kind] for count in counts.values() for kind in BAD))


def numbers(topic: Topic, scale: float, chosen: Sequence[int] | None = None) -> list[int]:
    """Return the numbers of the tries to be made."""
    if chosen is not None:
        return list(chosen)
    return list(range(topic.count if topic.fixed else max(1, round(scale * topic.count))))


def outcomes(work: Sequence[Work], jobs: int) -> Iterator[tuple[Work, Verdict, float]]:
    """Yield each try with its verdict and how long it took, in the order in which they end."""
    if jobs == 1:
        for item in work:
            yield (item, *tried(item))
        return
    done, shown = 0, time.monotonic()
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("fork")) as pool:
        running = {pool.submit(tried, item): item for item in work}
        for future in as_completed(running):
            yield (running[future], *future.result())
            done += 1
            if time.monotonic() - shown > SECONDS_BETWEEN_LINES:
                shown = time.monotonic()
                print(f"{time.strftime('%H:%M:%S')} {done} of {len(work)}: {running[future].topic}", flush=True)


def tried(item: Work) -> tuple[Verdict, float]:
    """Make one try and return its verdict and its seconds; only a finding's folder stays."""
    topic = TOPICS[item.topic]
    generator = np.random.default_rng([item.seed, *item.topic.encode(), item.number])
    folder, shared = item.folder / item.topic / f"{item.number:04d}", item.folder / item.topic / "shared"
    folder.mkdir(parents=True)
    shared.mkdir(exist_ok=True)
    os.environ["ZSL_CACHE"] = str(folder / "cache")
    name, start = topic.name(item.number), time.perf_counter()
    try:
        kind, what = topic.attempt(item.number, generator, folder, shared)
        verdict = Verdict(kind, what)
    except Found as found:
        verdict = Verdict(found.kind, name, found.why)
    except Skip as skip:
        verdict = Verdict("skipped", name, str(skip))
    except Exception:
        verdict = Verdict("other", name, f"the torture itself broke: {traceback.format_exc()}")
    finally:
        stop_all()
    if not verdict.is_finding:
        shutil.rmtree(folder, ignore_errors=True)
    return verdict, time.perf_counter() - start


def _kept(item: Work, verdict: Verdict, keep: Path) -> Path:
    """Move a finding's folder to where findings are kept, and write down what it is."""
    source = item.folder / item.topic / f"{item.number:04d}"
    target = keep / f"{item.topic}-{item.seed}-{item.number:04d}"
    shutil.rmtree(target, ignore_errors=True)
    keep.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)
    again = f"make torture ARGS='--only {item.topic} --seed {item.seed} --number {item.number}'"
    (target / "FINDING.txt").write_text(
        f"{verdict.kind}: {verdict.what}\n{verdict.why}\n\nIts commands and what they printed: the numbered files. "
        f"They were run in home/ of\n{source}\nAgain: {again}\n",
        errors="replace",
    )
    return target


def table(counts: dict[str, Counter[str]], seconds: dict[str, float]) -> Iterator[str]:
    """Yield the lines of the table: a row for each topic, and their sum."""
    yield f"{'topic':<15}" + "".join(f"{name:>10}" for name in (*COLUMNS, "seconds"))
    total: Counter[str] = Counter()
    for topic, count in counts.items():
        total.update(count)
        yield f"{topic:<15}" + "".join(f"{count[name]:>10,}" for name in COLUMNS) + f"{seconds[topic]:>10.0f}"
    yield f"{'all':<15}" + "".join(f"{total[name]:>10,}" for name in COLUMNS) + f"{sum(seconds.values()):>10.0f}"
