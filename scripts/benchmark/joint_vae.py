"""A training step of JointVAE beside the same step written plainly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from scripts.benchmark import problem
from scripts.benchmark.feature_gan import has_bf16
from scripts.benchmark.image_steps import MeasuredStep, image_step_findings
from scripts.benchmark.timing import Effort, Finding
from tests.references.joint_vae import PlainJointVAE
from zsl_runner.data.rows import EpochSampler
from zsl_runner.models.joint_vae.model import JointVAE
from zsl_runner.streams import Streams
from zsl_runner.trainers.capacity.conf import CapacityTrainerConf
from zsl_runner.trainers.capacity.trainer import CapacityTrainer

TOPIC: Final = "joint_vae"
MNIST_SETTING: Final = ("model=joint_vae", "dataset=digits_images", "dataset.side=32")
"""MNIST's networks, batch and objective; embedded images, whose content costs nothing more or less."""
FP32_AIM, BF16_AIM = 0.79, 0.6
"""0.75 CPU seconds for 1,000 images where the official code takes 0.95; and what bfloat16 should save."""


def joint_vae_findings(effort: Effort) -> list[Finding]:
    """Compare steps in float32 and, where the CPU has it, bfloat16 with plain ones in float32.

    Args:
        effort: how long to measure.
    """
    precisions = ("fp32", "bf16") if has_bf16() else ("fp32",)
    trainers = [_trainer(precision) for precision in precisions]
    first = trainers[0]
    rows = first.conf.batch_size
    measured = [
        MeasuredStep(f"JointVAE step of {rows} images, {precision}", trainer.phases()[0].step, aim)
        for precision, trainer, aim in zip(precisions, trainers, (FP32_AIM, BF16_AIM), strict=False)
    ]
    return image_step_findings(
        TOPIC, effort, measured, plain_step(first), "the same written plainly, fp32", first.model, rows
    )


def plain_step(trainer: CapacityTrainer) -> Callable[[], object]:
    """Return what takes the same step, written plainly."""
    conf, model, streams = trainer.conf, trainer.model, trainer.context.streams
    assert isinstance(model, JointVAE)
    plain = PlainJointVAE(model, conf.optim.lr, conf.gamma_z)
    sampler = EpochSampler(len(trainer.images), Streams(0, streams.device)["batches"])

    def step() -> object:
        x = trainer.images.take(sampler.draw(conf.batch_size))
        return plain.step(x, model.draw_noise(conf.batch_size, streams), (0.5, 0.5), model.temperature)

    return step


def _trainer(precision: str) -> CapacityTrainer:
    config = problem.configuration(*MNIST_SETTING, f"runtime.precision={precision}")
    trainer = problem.stage(config).trainer
    assert isinstance(config.trainer, CapacityTrainerConf)
    assert isinstance(trainer, CapacityTrainer)
    return trainer
