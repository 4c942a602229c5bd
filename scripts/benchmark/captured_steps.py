"""Steps replayed on CUDA beside the same computed operation by operation, written plainly, and their kernels' time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch
from torch.profiler import ProfilerActivity, profile

from scripts.benchmark import adversarial_autoencoder, continual, joint_vae, problem, prototype_contrast
from scripts.benchmark.timing import Cost, Effort, Finding, Quantity, cost_of, interleaved, wall_first
from tests.references.feature_gan import PlainFeatureGAN
from zsl_runner.config.schema import RunConfig
from zsl_runner.models.feature_gan.model import FeatureGAN
from zsl_runner.trainers.feature_gan.trainer import FeatureGANTrainer
from zsl_runner.training.base import StepReport
from zsl_runner.training.build import StageParts, capture_of
from zsl_runner.training.replay import eager
from zsl_runner.training.terms import TermSums

TOPIC: Final = "captured"
WARM_UP: Final = 150
STEPS: Final = 100
PROFILED: Final = 20
READ_EVERY: Final = 50
"""Steps between two looks at the sums of the terms, as between two rows of scalars of a run."""
EAGER_AIM, KERNELS_AIM = 0.25, 1.3


@dataclass(frozen=True)
class Measured:
    """A step to be measured: of the last phase of the last stage, after a few steps of each phase before it.

    Attributes:
        overrides: the configuration.
        plainly: returns, for the trainer of such a stage, what takes the same step as published code writes it; None
            for no such comparison.
    """

    overrides: tuple[str, ...]
    plainly: Callable[[Any], Callable[[], object]] | None = None


def _plain_feature_gan(trainer: FeatureGANTrainer) -> Callable[[], object]:
    context, transductive = trainer.context, trainer.phases()[-1].name == "transductive"
    assert isinstance(context.model, FeatureGAN)
    plain = PlainFeatureGAN(trainer.conf, context.model, context.data, context.streams)
    return lambda: plain.step(transductive=transductive)


_BI_VAEGAN: Final = ("experiment=bi_vaegan/released_awa2", *problem.AWA2, "trainer.class_prior=uniform")
_TWO_TASKS: Final = ("model=task_heads", "dataset=split_digits", "dataset.n_tasks=2", "trainer.iterations=1000000")
PROBLEMS: Final[Mapping[str, Measured]] = {
    "Bi-VAEGAN, AWA2's shape, fp32": Measured(_BI_VAEGAN, _plain_feature_gan),
    "Bi-VAEGAN, AWA2's shape, TF32": Measured((*_BI_VAEGAN, "runtime.precision=tf32"), _plain_feature_gan),
    "TF-VAEGAN, AWA2's shape": Measured(("experiment=tf_vaegan/released_awa2", *problem.AWA2), _plain_feature_gan),
    "f-CLSWGAN, AWA2's shape": Measured(("experiment=f_clswgan/released_awa1", *problem.AWA2), _plain_feature_gan),
    "SGAL, AWA2's shape": Measured(("model=sgal", "trainer=em", *problem.AWA2)),
    "VZSL, AWA2's shape": Measured(("model=vzsl", *problem.AWA2)),
    "CADA-VAE, AWA2's shape": Measured(("model=cada_vae", *problem.AWA2)),
    "CVAE of features, AWA2's shape": Measured(("experiment=cvae/cub", *problem.AWA2)),
    "CVAE of quadrants, digits": Measured(("model=cvae_pairs", "dataset=digits_quadrant")),
    "AAE of 512 units, digits": Measured(adversarial_autoencoder.SIZES, adversarial_autoencoder.plain_step),
    "AAE with few labels, digits": Measured(
        ("model=aae/semi_supervised", "dataset=digits_images", "dataset.labelled=100")
    ),
    "JointVAE, digits": Measured(joint_vae.MNIST_SETTING, joint_vae.plain_step),
    "segmentation, digit canvas": Measured(
        ("experiment=cvae/hybrid_digit_canvas", "dataset=digit_canvas_embedded", "dataset.train=2000")
    ),
    "EWC, split digits": Measured((*_TWO_TASKS, "trainer=ewc"), partial(continual.plain_step, method="ewc")),
    "A-LwF, split digits": Measured((*_TWO_TASKS, "trainer=a_lwf")),
    "prototype contrast, canvases": Measured(
        prototype_contrast.SETTING, partial(prototype_contrast.plain_step, terms=prototype_contrast.CONTRASTS)
    ),
}


def captured_findings(effort: Effort) -> Iterator[Finding]:
    """Yield for each problem a replayed step beside the others; on CUDA, whose steps alone are captured.

    Args:
        effort: how often to repeat; a repetition has a hundred steps of each kind.
    """
    for name, measured in PROBLEMS.items():
        yield from step_findings(name, measured, effort, "cuda")


def step_findings(name: str, measured: Measured, effort: Effort, device: str) -> list[Finding]:
    """Compare a replayed step with an eager one, with its kernels, and with a plain one where there is one.

    Args:
        name: of the problem, for the report.
        measured: the problem.
        effort: how often to repeat.
        device: ``cuda``; on ``cpu`` there are no kernels to compare with, and memory is not counted.
    """
    config = problem.configuration(*measured.overrides, device=device)
    on_cuda = device == "cuda"
    counted = partial(_counted, on_cuda)
    replayed, own_memory = counted(lambda: _ours(config, replayed=True))
    slow, eager_memory = counted(lambda: _ours(config, replayed=False))
    tasks, references = [replayed.take_all, slow.take_all], ["the same, computed operation by operation"]
    if measured.plainly is not None:
        plainly, _ = counted(partial(_plain, config, measured.plainly))
        tasks.append(plainly.take_all)
        references.append("the same, written plainly")

    def cost(task: Callable[[], None]) -> Cost:
        def waited_for() -> None:
            task()
            _wait(on_cuda)

        return cost_of(waited_for)

    costs = interleaved(effort.repeats, *(partial(cost, task) for task in tasks), divide_by=STEPS)
    facts = {"graphs": str(getattr(replayed.take, "graphs", 0))}
    if on_cuda:
        facts["memory"] = f"{own_memory:.0f} MiB, operation by operation {eager_memory:.0f} MiB"
    found = [
        Finding(TOPIC, f"{name}: replayed step", reference, wall_first(each), aim, more)
        for each, reference, aim, more in zip(costs, references, (EAGER_AIM, None), (facts, {}), strict=False)
    ]
    busy, kernels = _kernels(replayed.take, on_cuda)
    if kernels:
        walls = costs[0]["wall"].candidate
        beside = {"wall": Quantity("s", walls, [busy] * len(walls))}
        found.insert(
            1,
            Finding(TOPIC, f"{name}: replayed step", "its kernels", beside, KERNELS_AIM, {"kernels": f"{kernels:.0f}"}),
        )
    return found


@dataclass
class Steps:
    """Takes a hundred steps as a run does, looking at the sums of the terms now and then.

    Attributes:
        take: takes one.
        sums: where its terms go; None if it has none.
    """

    take: Callable[[], object]
    sums: TermSums | None

    def take_all(self) -> None:
        """Take them."""
        for number in range(STEPS):
            self.take()
            if self.sums is not None and number % READ_EVERY == READ_EVERY - 1:
                self.sums.values()
                self.sums.clear()


def _ours(config: RunConfig, replayed: bool) -> Steps:
    parts, sums = problem.stage(config), TermSums()
    _through_earlier_phases(parts)
    phase = parts.trainer.phases()[-1]
    if not replayed:
        return Steps(eager(phase.step, sums), sums)
    capture = capture_of(parts)
    assert capture is not None
    take: Callable[[], StepReport] = capture.of(phase.step, sums, phase.name)
    return Steps(take, sums)


def _plain(config: RunConfig, plainly: Callable[[Any], Callable[[], object]]) -> Steps:
    parts = problem.stage(config)
    _through_earlier_phases(parts)
    return Steps(plainly(parts.trainer), None)


def _through_earlier_phases(parts: StageParts) -> None:
    """Take a few steps of each phase before the last, and begin that."""
    *earlier, last = parts.trainer.phases()
    for phase in earlier:
        if phase.begin is not None:
            phase.begin()
        for _ in range(min(3, phase.steps)):
            phase.step()
        if phase.end is not None:
            phase.end()
    if last.begin is not None:
        last.begin()


def _counted(on_cuda: bool, build: Callable[[], Steps]) -> tuple[Steps, float]:
    """Return steps after some to warm up, and the memory that they and their networks took at most, in MiB."""
    before = 0
    if on_cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    steps = build()
    for _ in range(WARM_UP if on_cuda else 4):
        steps.take()
    if steps.sums is not None:
        steps.sums.clear()
    _wait(on_cuda)
    return steps, (torch.cuda.max_memory_allocated() - before) / 2**20 if on_cuda else 0.0


def _wait(on_cuda: bool) -> None:
    if on_cuda:
        torch.cuda.synchronize()


def _kernels(take: Callable[[], object], on_cuda: bool) -> tuple[float, float]:
    """Return the seconds that the kernels of a step take, and their number."""
    if not on_cuda:
        return 0.0, 0.0
    with profile(activities=[ProfilerActivity.CUDA]) as recorded:
        for _ in range(PROFILED):
            take()
        torch.cuda.synchronize()
    kernels = [event for event in recorded.events() if event.device_type == torch.autograd.DeviceType.CUDA]  # type: ignore[attr-defined]
    return sum(event.device_time_total for event in kernels) / 1e6 / PROFILED, len(kernels) / PROFILED
