"""Networks, moments and buffers of a stage are gone before the next stage builds its own."""

import gc
import weakref

import pytest

from zsl_runner.runs import run


@pytest.fixture
def without_collector():
    gc.disable()
    yield
    gc.enable()


def test_a_stage_leaves_no_networks_behind(zsl_run, monkeypatch, without_collector, tmp_path):
    built, build, watched_stages = [], run.build_stage, tmp_path / "watched"

    def watched(*arguments):
        assert all(model() is None for model in built)
        parts = build(*arguments)
        built.append(weakref.ref(parts.model))
        with watched_stages.open("a") as file:
            file.write(f"{arguments[1]}\n")
        return parts

    monkeypatch.setattr(run, "build_stage", watched)  # the run is forked from this process
    zsl_run(
        "dataset=toy",
        "dataset.width=8",
        "dataset.train_rows=10",
        "model=bi_vaegan",
        "model.hidden=8",
        "trainer.epochs=2",
        "trainer.warmup_epochs=1",
        "trainer.class_prior=uniform",
        "evaluator.classifier.synthetic_per_class=2",
        "evaluator.classifier.epochs=2",
        "evaluator.classifier.epochs_gzsl=2",
        "tracker.figures=false",
        "tracker.progress=none",
    )
    assert watched_stages.read_text().split() == ["tune", "final"]
