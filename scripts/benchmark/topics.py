"""What is measured: for each topic its problems and how often they are repeated."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from scripts.benchmark import problem
from scripts.benchmark.adversarial_autoencoder import adversarial_autoencoder_findings
from scripts.benchmark.captured_steps import captured_findings
from scripts.benchmark.continual import continual_findings
from scripts.benchmark.feature_gan import BI_VAEGAN, iteration_findings, share_findings
from scripts.benchmark.joint_vae import joint_vae_findings
from scripts.benchmark.loading import load_findings
from scripts.benchmark.memory import adversarial_memory_finding, memory_findings
from scripts.benchmark.prototype_contrast import prototype_contrast_findings
from scripts.benchmark.reporting import report_findings
from scripts.benchmark.shared_card import shared_card_findings
from scripts.benchmark.sharing import sharing_finding
from scripts.benchmark.startup import first_step_finding, help_finding
from scripts.benchmark.timing import Effort, Finding
from scripts.benchmark.training import loop_findings, step_findings
from zsl_runner.data.command.chosen import chosen, missing_files
from zsl_runner.data.command.synthesis import synthesize
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf

RECOMMENDED = ("model=sgal", "trainer=em")
RELEASED = ("model=sgal_released", "trainer=em_released")
PHASES = ("seen", "em")
PREDICTION_ROWS = 128

PUBLISHED_SHAPES: Mapping[str, Mapping[str, int]] = {
    "CUB's shape": {
        "dataset.seen": 150,
        "dataset.unseen": 50,
        "dataset.attributes": 312,
        "dataset.train_rows": 47,
        "dataset.test_rows": 12,
        "dataset.unseen_rows": 59,
        "evaluator.classifier.synthetic_per_class": 400,
        "trainer.prior_classifier.synthetic_per_class": 400,
    },
    "AWA2's shape": {
        "dataset.seen": 40,
        "dataset.unseen": 10,
        "dataset.attributes": 85,
        "dataset.train_rows": 588,
        "dataset.test_rows": 147,
        "dataset.unseen_rows": 791,
        "evaluator.classifier.synthetic_per_class": 3000,
        "trainer.prior_classifier.synthetic_per_class": 3000,
    },
}
"""Classes, rows and generated rows as published; features are 2048 wide."""


def at_most(effort: Effort, repeats: int) -> Effort:
    """Return an effort of at most so many repetitions, for what takes long or hardly varies."""
    return replace(effort, repeats=min(effort.repeats, repeats))


def measure_loop(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what the loop adds to its steps, for a tiny step and for one of AWA2's shape."""
    problems = (("digits", problem.DIGITS), ("AWA2's shape", problem.AWA2))
    for number, ((name, overrides), phase) in enumerate(itertools.product(problems, PHASES)):
        place = folder / str(number)
        place.mkdir()
        yield from loop_findings(name, (*overrides, *RECOMMENDED), phase, at_most(effort, 5), place)


def measure_step(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what an SGAL step adds to its matrix products, for the recommended and the released networks."""
    models = (("sgal", RECOMMENDED), ("sgal_released", RELEASED))
    for (name, model), phase in itertools.product(models, PHASES):
        yield from step_findings(name, (*problem.AWA2, *model, *problem.MIXED_STEP), phase, effort)


def measure_load(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what loading adds to reading, for CUB if it is there, else for an invented data set of its size."""
    conf = chosen("cub", with_files=False)
    name = "CUB"
    if missing_files(conf):
        name = "invented data"
        root = folder / "invented"
        sizes = {"seen": 150, "unseen": 50, "attributes": 312, "width": 1000}
        rows = {"train_rows": 47, "test_rows": 12, "unseen_rows": 59}
        invented = chosen("toy", [f"{key}={value}" for key, value in (sizes | rows).items()])
        assert isinstance(invented, ToyConf)
        synthesize(root, invented)
        conf = chosen("xlsa17", ["name=invented", f"root='{root}'"])
    assert isinstance(conf, XLSA17Conf)
    yield from load_findings(name, conf, effort, folder)


def measure_memory(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield the peak memory of runs of AWA2's shape."""
    yield from memory_findings(at_most(effort, 2), folder)
    yield adversarial_memory_finding(at_most(effort, 1), folder / "adversarial")


def measure_sharing(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what a run adds to the memory of others on the same features; one repetition takes three minutes."""
    yield sharing_finding(at_most(effort, 1), folder)


def measure_feature_gan(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what an iteration of Bi-VAEGAN takes at AWA2's shape; one round of all versions takes ten seconds."""
    yield from iteration_findings((*problem.AWA2, *BI_VAEGAN), replace(effort, repeats=max(1, effort.repeats // 2)))


def measure_classifier(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what final classifiers and an estimated class prior add to an epoch of Bi-VAEGAN; if quick, for CUB."""
    shapes = list(PUBLISHED_SHAPES.items())
    for name, sizes in shapes if effort.repeats > 3 else shapes[:1]:
        shape = [f"{key}={size}" for key, size in sizes.items()]
        yield from share_findings(name, ("dataset=toy", "dataset.width=2048", *BI_VAEGAN, *shape))


def measure_prediction(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what a step on quadrants of 28 x 28 images takes, with layers of 500 units and 200 latent dimensions."""
    sizes = ("dataset=digits_quadrant", "model.hidden=[500,500]", f"trainer.batch_size={PREDICTION_ROWS}")
    for name, model in (("cvae", "cvae_pairs"), ("baseline_nn", "baseline_nn")):
        overrides = (*sizes, f"model={model}")
        yield from step_findings(name, overrides, "fit", effort, topic="prediction", rows=PREDICTION_ROWS)


def measure_adversarial_autoencoder(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what a step of an adversarial autoencoder takes at the size of a public implementation's default."""
    yield from adversarial_autoencoder_findings(effort)


def measure_joint_vae(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what a step of JointVAE with MNIST's networks takes; a step is a twentieth of a second."""
    yield from joint_vae_findings(effort)


def measure_continual(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what steps of continual learning take with split MNIST's network, some thousandths of a second."""
    yield from continual_findings(effort)


def measure_prototype_contrast(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what steps of pixel-to-prototype contrast take on canvases of 64 x 64 pixels, about half a second."""
    yield from prototype_contrast_findings(at_most(effort, 5))


def measure_start(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield the times to the help page and to the first step."""
    yield help_finding(at_most(effort, 5))
    yield first_step_finding(at_most(effort, 5), folder)


def measure_report(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what tables over a thousand runs take."""
    yield from report_findings(at_most(effort, 3), folder)


def measure_captured(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what replayed steps take on CUDA beside others."""
    yield from captured_findings(at_most(effort, 5))


def measure_card(effort: Effort, folder: Path) -> Iterator[Finding]:
    """Yield what runs that share a card take."""
    yield from shared_card_findings(at_most(effort, 1), folder)


TOPICS: Mapping[str, Callable[[Effort, Path], Iterable[Finding]]] = {
    "loop": measure_loop,
    "step": measure_step,
    "load": measure_load,
    "memory": measure_memory,
    "sharing": measure_sharing,
    "feature_gan": measure_feature_gan,
    "classifier": measure_classifier,
    "prediction": measure_prediction,
    "adversarial_autoencoder": measure_adversarial_autoencoder,
    "joint_vae": measure_joint_vae,
    "continual": measure_continual,
    "prototype_contrast": measure_prototype_contrast,
    "start": measure_start,
    "report": measure_report,
    "captured": measure_captured,
    "card": measure_card,
}
ON_CUDA: Final = ("captured", "card")
"""Topics that need a GPU."""
