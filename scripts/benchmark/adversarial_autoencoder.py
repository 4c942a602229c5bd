"""A training step of an adversarial autoencoder beside one as published code takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from scripts.benchmark import problem
from scripts.benchmark.feature_gan import has_bf16
from scripts.benchmark.image_steps import MeasuredStep, image_step_findings
from scripts.benchmark.products import against_the_unavoidable, own_products
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
ONCE_AIM = 1.0
"""Where a batch is encoded once, as the plain step does it, the step costs no more."""
PRODUCTS_AIM = 1.25
"""What the step may cost by its own matrix products, of which two encodings make more than the plain step has."""
LR, SCALE = 1e-3, 0.9


def adversarial_autoencoder_findings(effort: Effort) -> list[Finding]:
    """Compare steps in float32 and, where the CPU has it, bfloat16 with plain ones in float32.

    Args:
        effort: how long to measure.
    """
    first, once = trainer_of_sizes("fp32"), trainer_of_sizes("fp32", "once")
    model, rows = first.model, first.conf.batch_size
    name = f"adversarial autoencoder, step of {rows} images, {{}}".format
    measured = [
        MeasuredStep(name("fp32"), first.step, None),
        MeasuredStep(name("fp32, one encoding"), once.step, ONCE_AIM),
    ]
    if has_bf16():
        measured.append(MeasuredStep(name("bf16"), trainer_of_sizes("bf16").step, None))
    reference = "one pass for all losses, plainly, fp32"
    return [
        *image_step_findings(TOPIC, effort, measured, plain_step(first), reference, model, rows),
        *(finding for each in measured[:2] for finding in _against_products(each, effort)),
    ]


def _against_products(measured: MeasuredStep, effort: Effort) -> list[Finding]:
    by_products, by_both = against_the_unavoidable(measured.step, own_products(measured.step), effort)
    share = by_both["cpu"].medians[1] / by_products["cpu"].medians[1]
    facts = {"products and updates by products": f"{share:.2f}"}
    return [
        Finding(TOPIC, measured.name, "its own matrix products", by_products, PRODUCTS_AIM, facts),
        Finding(TOPIC, measured.name, "its own matrix products and its optimisers' updates", by_both),
    ]


def plain_step(trainer: AdversarialAutoencoderTrainer) -> Callable[[], object]:
    """Return what takes the same step in one pass for all losses, written plainly."""
    model, rows, streams = trainer.model, trainer.conf.batch_size, Streams(0, trainer.context.streams.device)
    plain = PlainAdversarialAutoencoder(model, LR, SCALE)
    sampler = EpochSampler(len(trainer.rows), streams["batches"])

    def step() -> object:
        x = trainer.rows.take(sampler.draw(rows)).x
        noise = model.posterior_noise(rows, streams["posterior"])
        assert noise is not None
        return plain.step(x, noise, model.prior.sample(rows, streams["prior"]))

    return step


def trainer_of_sizes(precision: str, encode: str = "twice") -> AdversarialAutoencoderTrainer:
    """Return a trainer of the measured sizes."""
    trainer = problem.stage(
        problem.configuration(*SIZES, f"runtime.precision={precision}", f"trainer.encode={encode}")
    ).trainer
    assert isinstance(trainer, AdversarialAutoencoderTrainer)
    return trainer
