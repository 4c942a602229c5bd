"""A training step of an adversarial autoencoder beside one as published code takes it."""

from __future__ import annotations

from typing import Final

from scripts.benchmark import problem
from scripts.benchmark.feature_gan import has_bf16
from scripts.benchmark.image_steps import MeasuredStep, image_step_findings
from scripts.benchmark.timing import Effort, Finding
from tests.references.adversarial_autoencoder import PlainAdversarialAutoencoder
from zsl_runner.data.rows import EpochSampler
from zsl_runner.streams import Streams
from zsl_runner.trainers.adversarial_autoencoder.trainer import AdversarialAutoencoderTrainer

TOPIC: Final = "adversarial_autoencoder"
SIZES: Final = (
    "model=aae/basic",
    "dataset=digits_images",
    "model.latent_dim=16",
    "model.hidden=[512]",
    "model.discriminator_hidden=[256]",
    "model.posterior=gaussian",
    "model.bn=none",
    "trainer.batch_size=100",
)
"""Networks and batch of pythae's default: 833,841 parameters; embedded images, whose content costs nothing."""
AIM = 0.79
"""0.17 CPU seconds for 1,000 images where pythae takes 0.216, though the sub-steps encode every batch twice."""
LR, SCALE = 1e-3, 0.9


def adversarial_autoencoder_findings(effort: Effort) -> list[Finding]:
    """Compare steps in float32 and, where the CPU has it, bfloat16 with plain ones in float32.

    Args:
        effort: how long to measure.
    """
    precisions = ("fp32", "bf16") if has_bf16() else ("fp32",)
    trainers = [trainer_of_sizes(precision) for precision in precisions]
    first = trainers[0]
    model, rows, streams = first.model, first.conf.batch_size, Streams(0)
    plain = PlainAdversarialAutoencoder(model, LR, SCALE)
    sampler = EpochSampler(len(first.rows), streams["batches"])

    def plainly() -> None:
        x = first.rows.take(sampler.draw(rows)).x
        noise = model.posterior_noise(rows, streams["posterior"])
        assert noise is not None
        plain.step(x, noise, model.prior.sample(rows, streams["prior"]))

    measured = [
        MeasuredStep(f"adversarial autoencoder, step of {rows} images, {precision}", trainer.phases()[0].step, AIM)
        for precision, trainer in zip(precisions, trainers, strict=True)
    ]
    reference = "one pass for all losses, plainly, fp32"
    return image_step_findings(TOPIC, effort, measured, plainly, reference, model, rows)


def trainer_of_sizes(precision: str) -> AdversarialAutoencoderTrainer:
    """Return a trainer of the measured sizes."""
    trainer = problem.stage(problem.configuration(*SIZES, f"runtime.precision={precision}")).trainer
    assert isinstance(trainer, AdversarialAutoencoderTrainer)
    return trainer
