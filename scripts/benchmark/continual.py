"""Steps of continual learning beside the same steps written plainly."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Final

from scripts.benchmark import problem
from scripts.benchmark.image_steps import MeasuredStep, image_step_findings
from scripts.benchmark.timing import Effort, Finding
from tests.references.continual import PlainTask
from zsl_runner.data.rows import EpochSampler
from zsl_runner.models.task_heads.model import HeadsNetwork
from zsl_runner.models.task_model import TaskModel
from zsl_runner.streams import Streams
from zsl_runner.trainers.continual.options import HeldTrainerConf
from zsl_runner.trainers.continual.trainer import ContinualTrainer
from zsl_runner.training.base import Phase

TOPIC: Final = "continual"
SETTING: Final = ("model=task_heads", "dataset=split_digits", "trainer.iterations=3")
"""Split MNIST's network, 784-400-400, and batch; embedded images, whose content costs nothing more or less."""
METHODS: Final = ("finetune", "ewc", "mas", "lwf")
AIM: Final = 1.15
AUXILIARY_AIM: Final = 2.2


def continual_findings(effort: Effort) -> list[Finding]:
    """Compare steps of the second task with plain ones, and a task with an auxiliary network with one without.

    Args:
        effort: how long to measure.
    """
    findings = []
    for method in METHODS:
        trainer = _trainer(method)
        (step,) = _begun(trainer, ["task_2"])
        rows = trainer.conf.batch_size
        model = trainer.model
        measured = [MeasuredStep(f"{method}, step of {rows} images", step, AIM)]
        plainly = plain_step(trainer, method)
        findings += image_step_findings(TOPIC, effort, measured, plainly, "the same written plainly", model.main, rows)
        if method != "finetune":
            pulled = _trainer(f"a_{method}")
            both = _together(_begun(pulled, ["task_2.auxiliary", "task_2"]))
            measured = [MeasuredStep(f"a_{method}, a step of either network", both, AUXILIARY_AIM)]
            findings += image_step_findings(TOPIC, effort, measured, step, f"a step of {method}", model.main, rows)
    return findings


def _trainer(name: str) -> ContinualTrainer:
    trainer = problem.stage(problem.configuration(*SETTING, f"trainer={name}")).trainer
    assert isinstance(trainer, ContinualTrainer)
    return trainer


def _begun(trainer: ContinualTrainer, wanted: list[str]) -> list[Callable[[], object]]:
    """Go through the phases before the second task's, and return steps of the phases that are wanted."""
    found = []
    for phase in trainer.phases():
        if phase.begin is not None:
            phase.begin()
        if phase.name in wanted:
            found.append(_step(trainer, phase))
        if phase.name == "task_2":
            return found
        for _ in range(phase.steps):
            phase.step()
        if phase.end is not None:
            phase.end()
    raise ValueError(f"no second task among {[phase.name for phase in trainer.phases()]}")


def _step(trainer: ContinualTrainer, phase: Phase) -> Callable[[], object]:
    """Return what takes a step of a phase, whatever phase was begun since."""
    pool = copy.copy(trainer._pool)  # the next phase begins anew with the one it is a copy of

    def step() -> object:
        trainer._pool = pool
        return phase.step()

    return step


def _together(steps: list[Callable[[], object]]) -> Callable[[], object]:
    return lambda: [step() for step in steps]


def plain_step(trainer: ContinualTrainer, method: str) -> Callable[[], None]:
    """Return what takes the second task's step plainly, on the same rows."""
    model, conf, data = trainer.model, trainer.conf, trainer.data
    assert isinstance(model, TaskModel)
    network = model.main
    assert isinstance(network, HeadsNetwork)
    weight = conf.weight if isinstance(conf, HeldTrainerConf) else 0.0
    plain = PlainTask(network, method, weight, conf.optim.lr)
    if method in ("ewc", "mas"):
        reference = trainer.references(1)["stability"]
        plain.importance = dict(zip(plain.importance, reference.importances, strict=True))
    positions, classes = data.data.positions_of(data.order.of(1)), data.order.of(1)
    sampler = EpochSampler(len(positions), Streams(0, data.data.labels.device)["batches"])

    def step() -> None:
        drawn = positions[sampler.draw(conf.batch_size)]
        plain.step(data.data.rows.take(drawn), data.data.labels[drawn] - classes.start, 1)

    return step
