"""One sheet of several runs' completions."""

import pytest

from zsl_runner.errors import RunError
from zsl_runner.report.completions import side_by_side
from zsl_runner.runs.opened import open_run

QUICK = [
    "model.hidden=[16]",
    "trainer.epochs=1",
    "evaluator.samples=2",
    "evaluator.validation_samples=2",
    "tracker.figures=false",
    "tracker.progress=none",
]


@pytest.fixture
def run(tmp_path, zsl_run):
    def start(*arguments):
        before = set((tmp_path / "outputs").glob("*/*/*"))
        zsl_run(*arguments, *QUICK)
        (directory,) = set((tmp_path / "outputs").glob("*/*/*")) - before
        return open_run(directory)

    return start


def test_lines_of_the_sheet(run):
    cvae = run("dataset=digits_quadrant", "model=cvae_pairs")
    nn = run("dataset=digits_quadrant", "model=baseline_nn")
    other = run("dataset=digits_quadrant", "dataset.n_observed=2", "model=baseline_nn")
    (axes,) = side_by_side([cvae, nn], 2).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    shared = ["observed", "truth"]
    own = ["cvae: prediction", "cvae: sample 1", "cvae: sample 2", "baseline_nn, nn: prediction"]
    assert labels == [*shared, *own]
    with pytest.raises(RunError, match=r"completes other images or other quadrants than .*cvae"):
        side_by_side([cvae, other], 2)


@pytest.mark.slow
def test_runs_of_one_method_have_lines_of_their_own(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    both = [run("dataset=digits_quadrant", "model=cvae_pairs", f"seed={seed}") for seed in (0, 1)]
    (axes,) = side_by_side(both, 1).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    names = [f"cvae, outputs/cvae/digits_quadrant/{one.directory.name}" for one in both]
    assert labels == [
        "observed",
        "truth",
        *(f"{name}: {line}" for name in names for line in ("prediction", "sample 1")),
    ]


def test_a_run_that_completes_nothing(run):
    labels = run("dataset=digits_images", "model=baseline_nn")
    with pytest.raises(RunError, match="expected a run that completes images"):
        side_by_side([labels], 2)
    with pytest.raises(RunError, match="no run to draw"):
        side_by_side([], 2)
