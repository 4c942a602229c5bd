"""What `zsl-report` takes over a thousand runs, beside reading their records."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from scripts.benchmark.processes import python
from scripts.benchmark.timing import Effort, Finding, interleaved
from zsl_runner.config.check import check
from zsl_runner.config.hashes import config_hash
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.saved import CONFIG_FILE
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.store import register
from zsl_runner.config.typed import to_yaml
from zsl_runner.runs.result import FILE_NAME, Result

RUNS = 1000
REPORT = "import sys; from zsl_runner.report.cli import main; sys.exit(main())"
READ = "import json, pathlib, sys; [json.loads(p.read_text()) for p in pathlib.Path(sys.argv[1]).rglob('result.json')]"


def report_findings(effort: Effort, folder: Path) -> list[Finding]:
    """Compare tables over runs with reading every ``result.json``, for many seeds and for many settings.

    Args:
        effort: how often to repeat.
        folder: an empty folder for the runs.
    """
    found = []
    for name, seeds in (("100 settings, 10 seeds each", 10), ("1,000 settings, one seed each", 1)):
        outputs = folder / f"seeds-{seeds}"
        write_runs(outputs, RUNS, seeds)
        (measured,) = interleaved(
            effort.repeats,
            lambda outputs=outputs: python("-c", REPORT, str(outputs))[0],  # type: ignore[misc]
            lambda outputs=outputs: python("-c", READ, str(outputs))[0],  # type: ignore[misc]
        )
        found.append(Finding("report", f"zsl-report: {name}", "json.loads of the records", measured))
    return found


def write_runs(outputs: Path, count: int, seeds: int) -> None:
    """Write records and whole configurations of ``count`` runs of the default experiment, of ``seeds`` seeds each."""
    register()
    config = check(Loader(Source(conf_directory())), []).config
    assert isinstance(config, RunConfig)
    text, values = to_yaml(config), asdict(config)
    steps = f"  pretrain_steps: {values['trainer']['pretrain_steps']}\n"
    for number in range(count):
        setting, seed = divmod(number, seeds)
        values["trainer"]["pretrain_steps"] = setting
        directory = outputs / f"run-{number:04d}"
        directory.mkdir(parents=True)
        changed = text.replace("\nseed: 0\n", f"\nseed: {seed}\n").replace(steps, f"  pretrain_steps: {setting}\n")
        (directory / CONFIG_FILE).write_text(changed)
        write_record(directory, _record(config, config_hash(values), number, seed))


def write_record(directory: Path, record: Result) -> None:
    """Write a record as `Result.save` does, but for waiting for the disk."""
    (directory / FILE_NAME).write_text(json.dumps(asdict(record), indent=2))


def _record(config: RunConfig, identity: str, number: int, seed: int) -> Result:
    metrics = {f"test/{name}": 40.0 + (7 * number + place) % 11 for place, name in enumerate(("T1", "U", "S", "H"))}
    record = Result("complete", config.model.name, config.dataset.name, config.trainer.name, seed, identity)
    return replace(
        record,
        metrics=metrics,
        validation={tag.replace("test/", "val/"): value for tag, value in metrics.items()},
        selection={"mode": "last", "metric": "val/H", "stage_lengths": {"tune": 500, "final": 500}},
        setting={"kind": "inductive", "class_prior": "uniform"},
        data={
            "name": "digits",
            "kind": "embedded",
            "feature_kind": "8 x 8",
            "semantics": "strokes",
            "split_version": "own",
        },
        cost={"wall_seconds": 60.0, "cpu_seconds": 60.0, "peak_memory_mb": 400.0, "gradient_steps": {"final": 500}},
        started=f"2026-01-01T00:00:{number % 60:02d}",
    )
