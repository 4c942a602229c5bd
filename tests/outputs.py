"""A folder of runs that were never run, records and configurations only, and the rows of a report over it."""

import json

from zsl_runner.report.collect import collect
from zsl_runner.report.groups import groups_of
from zsl_runner.report.plots.material import materials
from zsl_runner.report.table import build
from zsl_runner.runs.result import Result

REAL = {
    "kind": "real",
    "feature_kind": "fc1000",
    "semantics": "att",
    "split_version": "PS1",
    "files": [{"sha256": "1"}],
}
INDUCTIVE = {"kind": "inductive", "class_prior": "uniform"}


NATS = {"unit": "nats", "lower_is_better": True, "digits": 2}
LIKELIHOOD = dict.fromkeys(("NCLL", "NCLL_ELBO", "NCLL_MC", "NCLL_IS"), NATS)
PAIRS = REAL | {"feature_kind": "28 x 28 grey, 1 quadrant observed", "semantics": "", "split_version": "own"}


class Outputs:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    def add(self, h=None, seed=0, model="sgal", config=None, dataset_options=None, **changes):
        self.count += 1
        directory = self.folder / model / "cub" / f"run{self.count:03d}"
        directory.mkdir(parents=True)
        values = {
            "status": "complete",
            "model": model,
            "dataset": "cub",
            "trainer": "em",
            "seed": seed,
            "config_hash": f"{model}-{config}-{dataset_options}",
            "data": REAL,
            "setting": INDUCTIVE,
            "selection": {"mode": "last"},
            "started": f"2026-01-01T00:00:{self.count:02d}",
            "cost": {"wall_seconds": 60.0},
            "metrics": {} if h is None else {"test/H": h, "test/U": h / 2},
        } | changes
        Result(**values).save(directory)
        content = {"seed": seed, "model": {"name": model, **(config or {})}, "outputs": str(self.count)}
        content |= {"dataset": dataset_options} if dataset_options else {}
        (directory / "config.yaml").write_text(json.dumps(content))
        return directory

    def add_likelihood(self, ncll, seed=0, model="cvae", **changes):
        names = {"NCLL": ncll, "NCLL_ELBO": ncll + 4, "NCLL_MC": ncll + 2, "NCLL_IS": ncll}
        metrics = {}
        for name, value in names.items():
            metrics |= {f"test/{name}": value, f"test/{name}_se": 0.125}
        metrics |= {"test/accuracy": 90.0 - ncll / 10, "test/accuracy_se": 0.25}
        values = {"dataset": "mnist_quadrant", "data": PAIRS, "setting": {"kind": "supervised"}, "metrics": metrics}
        return self.add(None, seed, model, **(values | {"quantities": LIKELIHOOD} | changes))

    def report(self, **options):
        return build(collect([self.folder]), **options)

    def material(self, metrics=()):
        """Return what there is to draw, which is of one kind."""
        (found,) = materials(groups_of(collect([self.folder]).runs), metrics)
        return found


def rows_of(report):
    return [row for block in report.blocks for row in block.rows]
