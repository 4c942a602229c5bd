"""Peak memory of runs whose data are large."""

from __future__ import annotations

from pathlib import Path

from scripts.benchmark import peak
from scripts.benchmark.processes import python
from scripts.benchmark.timing import Effort, Finding, Quantity
from zsl_runner.data.command.synthesis import synthesize
from zsl_runner.data.sources.toy.conf import ToyConf

SEEN, UNSEEN, ATTRIBUTES, WIDTH = 40, 10, 85, 2048
ROWS_OF_A_CLASS = 735
ONCE_AIM = 1.05
MOST_MIB = 2048
SCORED_ROWS = 1024
"""Rows scored at a time; both runs have more in each part of a split, so that their blocks are of one size."""


def memory_findings(
    effort: Effort, folder: Path, *, width: int = WIDTH, rows: int = ROWS_OF_A_CLASS, steps: int = 30
) -> list[Finding]:
    """Measure short SGAL runs on invented features of AWA2's shape, and on a third of the rows.

    The runs go through both stages and both phases, with events, checkpoints and evaluation but without figures. What
    the peak grows by from the smaller run to the larger, beside what the features grow by, is the number of times the
    features are in memory. The larger run is also compared with a process that has made the same imports and holds the
    features once; there the difference holds networks, optimisers, checkpoints and blocks of rows as well.

    Args:
        effort: how often to repeat.
        folder: an empty folder to write into.
        width: features of a row.
        rows: rows of each class; the default gives about AWA2's 37,322.
        steps: steps of each phase.
    """
    few = rows // 3
    total, fewer = (_split(folder / name, count) for name, count in (("large", rows), ("small", few)))
    large, small, hold = [], [], []
    for _ in range(effort.repeats):
        large.append(_run(folder, "large", width, steps))
        small.append(_run(folder, "small", width, steps))
        hold.append(_peak("hold", str(total), str(width)))
    held = Quantity("MiB", large, hold)
    matrix, difference = _size(total, width), _size(total - fewer, width)
    grown = [more - less for more, less in zip(large, small, strict=True)]
    excess = held.medians[0] - held.medians[1]
    facts = {
        "features": f"{total} x {width}, {matrix:.0f} MiB",
        "above the reference": f"{excess:.0f} MiB, {excess / matrix:.2f} of the features",
    }
    return [
        Finding(
            "memory",
            f"growth of the peak from {fewer} to {total} rows",
            "growth of the features",
            {"memory": Quantity("MiB", grown, [difference] * len(grown))},
            ONCE_AIM,
        ),
        Finding("memory", "SGAL run of AWA2's shape", "imports and the features once", {"memory": held}, facts=facts),
    ]


def adversarial_memory_finding(
    effort: Effort, folder: Path, *, width: int = WIDTH, rows: int = ROWS_OF_A_CLASS, synthetic: int = 3000
) -> Finding:
    """Measure short Bi-VAEGAN runs on invented features of AWA2's shape.

    The runs go through both phases of the final stage, with the class prior estimated, checkpoints and final
    classifiers on as many rows as published. Epochs are cut to a few steps and classifiers to one epoch: neither moves
    the peak.

    Args:
        effort: how often to repeat.
        folder: an empty folder to write into.
        width: features of a row.
        rows: rows of each class; the default gives about AWA2's 37,322.
        synthetic: generated rows of each class.
    """
    total = _split(folder / "split", rows)
    classifiers = ("trainer.prior_classifier", "evaluator.classifier")
    peaks = [
        _peak(
            "brief",
            "model=bi_vaegan",
            "trainer.epochs=2",
            "trainer.warmup_epochs=1",
            "evaluator.stages=[final]",
            "evaluator.calibration=none",
            *(f"{place}.epochs=1" for place in classifiers),
            *(f"{place}.synthetic_per_class={synthetic}" for place in classifiers),
            *_common(folder, "split", width),
        )
        for _ in range(effort.repeats)
    ]
    facts = {"features": f"{total} x {width}, {_size(total, width):.0f} MiB, included"}
    held = Quantity("MiB", peaks, [float(MOST_MIB)] * len(peaks))
    return Finding("memory", "Bi-VAEGAN run of AWA2's shape", "2 GiB", {"memory": held}, 1.0, facts)


def _size(rows: int, width: int) -> float:
    return rows * width * 4 / 2**20


def _split(folder: Path, rows: int) -> int:
    """Write a split with so many rows of each class and return how many there are in all."""
    test = rows // 5
    conf = ToyConf(
        name=folder.name,
        seen=SEEN,
        unseen=UNSEEN,
        attributes=ATTRIBUTES,
        width=1,
        train_rows=rows - test,
        test_rows=test,
        unseen_rows=rows,
    )
    synthesize(folder, conf)
    return (SEEN + UNSEEN) * rows


def _run(folder: Path, split: str, width: int, steps: int) -> float:
    phases = (f"trainer.pretrain_steps={steps}", f"trainer.em.iterations={steps}")
    return _peak("run", "model=sgal", *phases, *_common(folder, split, width))


def _common(folder: Path, split: str, width: int) -> tuple[str, ...]:
    return (
        "dataset=synthetic",
        f"dataset.root='{folder / split}'",
        f"dataset.width={width}",
        "runtime=cpu",
        "tracker.figures=false",
        f"evaluator.batch_size={SCORED_ROWS}",
        "tracker.progress=none",
        f"outputs='{folder / 'outputs'}'",
    )


def _peak(*arguments: str) -> float:
    """Return the peak memory of the program `scripts.benchmark.peak`, in MiB."""
    _, printed = python("-m", peak.__name__, *arguments)
    line = next(line for line in printed.splitlines() if line.startswith(peak.MARK))
    return float(line.removeprefix(peak.MARK))
