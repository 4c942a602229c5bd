"""Generator iterations of feature GANs, what their final classifier and class prior take beside them, and memory."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

import torch

from scripts.benchmark import iterations, problem
from scripts.benchmark.processes import Worker
from scripts.benchmark.timing import Cost, Effort, Finding, Quantity, cost_of, interleaved, quantities
from zsl_runner.class_prior.estimate import estimate
from zsl_runner.config.registry import resolve
from zsl_runner.models.feature_gan.model import FeatureGAN
from zsl_runner.streams import Streams
from zsl_runner.trainers.feature_gan.conf import FeatureGANTrainerConf
from zsl_runner.trainers.feature_gan.trainer import FeatureGANTrainer

BI_VAEGAN: Final = (
    "model=bi_vaegan",
    "model.encoded_noise=false",
    "model.perturbation.critic=0.1",
    "dataset.radius=5",
    "trainer.class_prior=uniform",
    "trainer.warmup_epochs=0",
)
"""The networks and the schedule published for AWA2: batch 64, five critic steps, a regressor block every fifth time."""

AS_USUAL: Final = {"THP_MEM_ALLOC_ENABLE": "0"}
"""The plain version gets its memory in small pages, torch's default, which `Runtime` changes for runs."""

FP32_AIM, BF16_AIM, BOUND_AIM, SHARE_AIM = 1 / 3, 1 / 6, 1.4, 0.1
TOPIC = "feature_gan"


def iteration_findings(overrides: Sequence[str], effort: Effort, size: int = 2048) -> list[Finding]:
    """Compare an iteration with the same written plainly, and in float32 with its floating-point operations.

    Each version is a process of its own, and they take turns. The time for the operations is that of as many in a
    square float32 product, measured in the same turn.

    Args:
        overrides: the configuration.
        effort: how often to repeat.
        size: rows and columns of the square product.
    """
    square = torch.randn(size, size, generator=torch.Generator().manual_seed(0))
    program = ("-m", iterations.__name__)
    precisions = ("fp32", "bf16") if has_bf16() else ("fp32",)
    with ExitStack() as stack:
        plain = stack.enter_context(Worker(*program, "plain", *overrides, variables=AS_USUAL))
        workers = [
            stack.enter_context(Worker(*program, "trainer", *overrides, f"runtime.precision={precision}"))
            for precision in precisions
        ]
        plain_flops, flops, *_ = [float(worker.read()) for worker in (plain, *workers)]

        def operations() -> Cost:
            cost, scale = cost_of(lambda: torch.mm(square, square)), flops / (2 * size**3)
            return Cost(scale * cost.cpu, scale * cost.wall)

        measured = interleaved(effort.repeats, *(partial(_cost, worker) for worker in (plain, *workers)), operations)
    against_plain = [
        {clock: Quantity("s", quantity.reference, quantity.candidate) for clock, quantity in references.items()}
        for references in measured[:-1]
    ]
    fp32, bound = against_plain[0], measured[-1]
    against_bound = {clock: Quantity("s", fp32[clock].candidate, bound[clock].reference) for clock in fp32}
    seconds, product = against_bound["cpu"].medians
    shortest = min(fp32["cpu"].candidate) / min(bound["cpu"].reference)
    facts = {
        "floating-point operations": f"{flops / 1e9:.4g} billion, plainly {plain_flops / 1e9:.4g}",
        "rate": f"{flops / seconds / 1e9:.1f} GFLOP/s",
        "rate of the square product": f"{flops / product / 1e9:.1f} GFLOP/s",
        "ratio of the shortest repetitions": f"{shortest:.3f}",
    }
    name = "Bi-VAEGAN iteration, {}".format
    plainly = "the same written plainly, fp32"
    return [
        Finding(TOPIC, name("fp32"), "as many operations in a square product", against_bound, BOUND_AIM, facts),
        *(
            Finding(TOPIC, name(precision), plainly, found, aim)
            for precision, found, aim in zip(precisions, against_plain, (FP32_AIM, BF16_AIM), strict=False)
        ),
    ]


def _cost(worker: Worker) -> Cost:
    cpu, wall = map(float, worker.ask().split())
    return Cost(cpu, wall)


def has_bf16() -> bool:
    """Whether this CPU has instructions for products of bfloat16 numbers, as far as torch tells; 2.6 does not."""
    able: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))


def share_findings(name: str, overrides: Sequence[str]) -> list[Finding]:
    """Compare a measurement by final classifiers, and an estimate of the class prior, with an epoch of training.

    Each is taken once, on the first networks. An epoch is one iteration in float32 times the iterations of an epoch.

    Args:
        name: of the shape.
        overrides: the configuration; the trainer must be transductive.
    """
    config = problem.configuration(*overrides)
    parts = problem.stage(config)
    trainer, conf, model, data = parts.trainer, config.trainer, parts.model, parts.fold.train
    assert isinstance(trainer, FeatureGANTrainer)
    assert isinstance(conf, FeatureGANTrainerConf)
    assert isinstance(model, FeatureGAN)
    evaluator = resolve(config.evaluator.implementation)(config.evaluator, config.seed)
    iteration = iterations.of_trainer(config, parts)
    iteration(1)  # makes the optimisers' state
    step = iterations.mean_cost(config, iteration)
    epoch = Cost(trainer.clock.steps_in_epoch * step.cpu, trainer.clock.steps_in_epoch * step.wall)

    def prior() -> None:
        assert data.unlabelled is not None
        vectors, streams = data.class_vectors[data.unseen_classes], Streams(config.seed)
        estimate("cpe", model, data.unlabelled, vectors, conf.prior_classifier, streams)

    tasks = {
        "a measurement by final classifiers": lambda: evaluator.measure(model, parts.fold, {}),
        "an estimate of the class prior by clustering": prior,
    }
    facts = {
        "iterations of an epoch": str(trainer.clock.steps_in_epoch),
        "epochs between two measurements by default": str(FeatureGANTrainerConf().evaluate_every),
    }
    return [
        Finding("classifier", f"{name}: {what}", "an epoch", quantities([(cost_of(task), epoch)]), SHARE_AIM, facts)
        for what, task in tasks.items()
    ]
