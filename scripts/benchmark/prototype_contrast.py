"""A step of pixel-to-prototype contrast beside the same step written plainly, and beside a step by tags alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch

from scripts.benchmark import problem
from scripts.benchmark.image_steps import MeasuredStep, image_step_findings
from scripts.benchmark.timing import Effort, Finding
from tests.references.prototype_contrast import PlainContrast
from zsl_runner.models.class_maps.model import ClassMaps
from zsl_runner.trainers.prototype_contrast.trainer import PrototypeContrast

TOPIC: Final = "prototype_contrast"
SETTING: Final = (
    "model=class_maps",
    "dataset=tagged_canvas_embedded",
    "dataset.train=200",
    "trainer.batch_size=32",
    "trainer.view_scale=0.5",
    "trainer.classify.steps=1",
    "trainer.contrast.steps=1000000",
)
"""The default network; few canvases, whose number costs nothing in a step."""
CONTRASTS: Final = ("cross_prototype", "cross_map", "intra")
AIM: Final = 1.15


def prototype_contrast_findings(effort: Effort) -> list[Finding]:
    """Compare a step with all terms, and one without contrast, with plain ones.

    Args:
        effort: how long to measure.
    """
    findings = []
    for name, terms in (("all terms", CONTRASTS), ("SEAM's terms", ())):
        trainer = _trainer(terms)
        model, rows = trainer.model, trainer.conf.batch_size
        plain = plain_step(trainer, terms)
        phase = trainer.phases()[1]
        assert phase.begin is not None
        phase.begin()
        measured = [MeasuredStep(f"{name}, step of {rows} images", phase.step, AIM)]
        findings += image_step_findings(TOPIC, effort, measured, plain, "the same written plainly", model, rows)
    return findings


def _trainer(terms: tuple[str, ...]) -> PrototypeContrast:
    left_out = [f"trainer.weights.{name}=0" for name in CONTRASTS if name not in terms]
    trainer = problem.stage(problem.configuration(*SETTING, *left_out)).trainer
    assert isinstance(trainer, PrototypeContrast)
    return trainer


def plain_step(trainer: PrototypeContrast, terms: tuple[str, ...]) -> Callable[[], object]:
    """Return what takes the second phase's step plainly."""
    model = trainer.model
    assert isinstance(model, ClassMaps)
    plain = PlainContrast(model, 5e-4, terms)
    images, rows = trainer.context.data, trainer.conf.batch_size
    device = trainer.context.streams.device
    cells = model.map_side(trainer.conf.view_side(images.shape.height)) ** 2

    def step() -> object:
        batch = images.take(torch.randint(len(images), (rows,), device=device))
        draws = torch.rand(2, rows * cells, device=device)
        return plain.step(batch.x, batch.tags, (draws[0], draws[1]))

    return step
