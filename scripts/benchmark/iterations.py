"""Program of the comparison of generator iterations: takes them on request, in a process of its own.

``python -m scripts.benchmark.iterations trainer OVERRIDES`` takes those of the trainer, ``plain OVERRIDES`` the same
written plainly. It prints how many floating-point operations an iteration takes; then for each line it reads it takes
iterations and prints what one took, CPU seconds and seconds of the clock.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from scripts.benchmark import problem
from scripts.benchmark.products import FIRST_FACTOR
from scripts.benchmark.timing import Cost, cost_of
from tests.references.feature_gan import PlainFeatureGAN
from zsl_runner.config.schema import RunConfig
from zsl_runner.models.feature_gan.model import FeatureGAN
from zsl_runner.trainers.feature_gan.conf import FeatureGANTrainerConf
from zsl_runner.trainers.feature_gan.trainer import FeatureGANTrainer
from zsl_runner.training.build import StageParts

Iteration = Callable[[int], object]
"""Takes the transductive iteration of the given number; the numbers 0, n, 2 n ... hold a regressor block."""


def main() -> int:
    """Build the problem, then answer until there is nothing more to read."""
    what, *overrides = sys.argv[1:]
    config = problem.configuration(*overrides)
    parts = problem.stage(config)
    iteration = {"trainer": of_trainer, "plain": written_plainly}[what](config, parts)
    print(mean_flops(config, iteration), flush=True)
    for _ in sys.stdin:
        cost = mean_cost(config, iteration)
        print(cost.cpu, cost.wall, flush=True)
    return 0


def of_trainer(config: RunConfig, parts: StageParts) -> Iteration:
    """Return what takes iterations of the trainer; its class prior must not be estimated."""
    step = problem.phase(parts, "transductive").step
    trainer = parts.trainer
    assert isinstance(trainer, FeatureGANTrainer)

    def iteration(number: int) -> None:
        trainer.clock.done = number
        step()

    return iteration


def written_plainly(config: RunConfig, parts: StageParts) -> Iteration:
    """Return what takes the same iterations as `of_trainer`, written plainly."""
    conf, model = config.trainer, parts.model
    assert isinstance(conf, FeatureGANTrainerConf)
    assert isinstance(model, FeatureGAN)
    plain = PlainFeatureGAN(conf, model, parts.fold.train, parts.streams)

    def iteration(number: int) -> None:
        plain.iteration = number
        plain.step(transductive=True)

    return iteration


def mean_cost(config: RunConfig, iteration: Iteration) -> Cost:
    """Return the mean cost of an iteration, from one with a regressor block and one without."""
    first, other = (cost_of(lambda number=number: iteration(number)) for number in (0, 1))  # type: ignore[misc]
    return Cost(_mean(config, first.cpu, other.cpu), _mean(config, first.wall, other.wall))


def mean_flops(config: RunConfig, iteration: Iteration) -> float:
    """Return the mean floating-point operations in the matrix products of an iteration."""
    counters = Products(), Products()
    for number, counter in enumerate(counters):
        with counter:
            iteration(number)
    return _mean(config, *(counter.flops for counter in counters))


class Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the floating-point operations of all matrix products, in place or not, with a graph or without.

    Attributes:
        flops: the count; a multiplication and an addition are two.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count the operation and do it."""
        place = FIRST_FACTOR.get(func.overloadpacket)
        if place is not None:
            self.flops += 2 * args[place].numel() * args[place + 1].shape[1]
        return func(*args, **(kwargs or {}))


def _mean(config: RunConfig, first: float, other: float) -> float:
    """Return the mean over the iterations from one regressor block to the next."""
    conf = config.trainer
    assert isinstance(conf, FeatureGANTrainerConf)
    return (first + (conf.regressor_every - 1) * other) / conf.regressor_every


if __name__ == "__main__":
    sys.exit(main())
