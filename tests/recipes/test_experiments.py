"""Every experiment composes, fits together and takes two steps of each phase, on invented data."""

import json
import shutil

import pytest
import yaml

from zsl_runner.config.check import check
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.registry import register
from zsl_runner.data.synthesis import synthesize
from zsl_runner.data.toy.conf import ToyConf

EXPERIMENTS = sorted(path.stem for path in (conf_directory() / "experiment").glob("*.yaml"))
SHORT = {
    "closed_form": [],
    "em": ["trainer.pretrain_steps=2", "trainer.em.iterations=2"],
    "feature_gan": [
        "trainer.epochs=2",
        "trainer.epoch_steps=2",
        "model.hidden=32",
        "evaluator.classifier.synthetic_per_class=3",
        "evaluator.classifier.epochs=2",
    ],
    "seen_only": ["trainer.steps=2", "trainer.matched.em_iterations=2"],
    "transductive": ["trainer.warmup_steps=2", "trainer.steps=2"],
}
QUIET = ["tracker.figures=false", "tracker.tensorboard=false", "tracker.progress=none", "name=short"]


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    """Return a folder with a small problem in place of each data set of the xlsa17 layout."""
    root = tmp_path_factory.mktemp("data")
    _, splits, _ = synthesize(root / "problem", ToyConf(name="problem"))
    shutil.copy(splits, splits.with_name("sent_splits.mat"))
    (root / "xlsa17").mkdir()
    for path in (conf_directory() / "dataset").glob("*.yaml"):
        folder = yaml.safe_load(path.read_text()).get("root", "").partition("/xlsa17/")[2]
        if folder and not (root / "xlsa17" / folder).exists():
            (root / "xlsa17" / folder).symlink_to(root / "problem")
    return root


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_an_experiment_runs_two_steps(experiment, invented, monkeypatch, tmp_path, zsl_run):
    monkeypatch.setenv("ZSL_DATA", str(invented))
    monkeypatch.setenv("ZSL_CACHE", str(tmp_path / "cache"))
    register()
    verdict = check(Loader(Source(conf_directory())), [f"experiment={experiment}"])
    assert verdict.problems == ()
    config = verdict.config
    sizes = ["dataset.expected_classes=null", "dataset.expected_rows=null"] if config.dataset.kind == "xlsa17" else []
    warm_up = ["trainer.warmup_epochs=1"] if getattr(config.trainer, "warmup_epochs", 0) else []
    zsl_run(f"experiment={experiment}", *SHORT[config.trainer.kind], *warm_up, *sizes, *QUIET)
    (found,) = (tmp_path / "outputs" / config.model.name / config.dataset.name).glob("*/result.json")
    result = json.loads(found.read_text())
    assert result["status"] == "complete"
    assert set(config.reference.metrics) <= result["metrics"].keys()
