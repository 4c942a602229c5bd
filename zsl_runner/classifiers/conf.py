"""Options of the final classifier. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem


@dataclass(frozen=True)
class Schedule:
    """How one softmax classifier is trained.

    Attributes:
        epochs: passes over the training rows.
        lr: Adam's learning rate.
        batch_size: rows of a step.
        betas: Adam's moment decay rates.
        init_std: deviation of the initial weights; biases start at 0.
    """

    epochs: int
    lr: float
    batch_size: int
    betas: tuple[float, float]
    init_std: float


@dataclass
class ClassifierConf:
    """Softmax classifiers: one of the unseen classes on generated rows, one of all classes on real and generated ones.

    The defaults are those of the f-CLSWGAN line of work.
    """

    synthetic_per_class: int = option(300, "generated rows of each unseen class", low=1)
    synthetic_per_class_zsl: int | None = option(
        None, "generated rows of each class for the classifier of the unseen classes; null = the same", low=1
    )
    epochs: int = option(25, "passes over the rows for the classifier of the unseen classes", low=1)
    lr: float = option(1e-3, "learning rate of the classifier of the unseen classes", low=0.0, above=True)
    epochs_gzsl: int | None = option(None, "passes for the classifier of all classes; null = epochs", low=1)
    lr_gzsl: float | None = option(
        None, "learning rate of the classifier of all classes; null = lr", low=0.0, above=True
    )
    batch_size: int | None = option(
        None, "rows of a step; null = as many as generated rows of a class, the published habit", low=1
    )
    betas: list[float] = option([0.5, 0.999], "Adam's moment decay rates", low=0.0, high=1.0, below=True)
    init_std: float = option(0.02, "deviation of the initial weights; biases start at 0", low=0.0)
    inputs: str = option(
        "float16",
        "how training inputs are kept: float32; float16 = half the memory, products in float32; bfloat16 = products "
        "in bfloat16 too, the fastest and the least exact",
        choices=("float32", "float16", "bfloat16"),
    )

    def problems(self) -> Iterable[Problem]:
        """Yield what the optimiser cannot use."""
        if len(self.betas) != 2:
            yield Problem("betas", f"expected two decay rates, found {len(self.betas)}")

    def conventional_rows(self) -> int:
        """Return how many rows of each class the classifier of the unseen classes gets."""
        return self.synthetic_per_class_zsl or self.synthetic_per_class

    def conventional(self) -> Schedule:
        """Return how the classifier of the unseen classes is trained."""
        return self._schedule(self.epochs, self.lr, self.conventional_rows())

    def joint(self) -> Schedule:
        """Return how the classifier of all classes is trained."""
        return self._schedule(self.epochs_gzsl or self.epochs, self.lr_gzsl or self.lr, self.synthetic_per_class)

    def _schedule(self, epochs: int, lr: float, rows: int) -> Schedule:
        return Schedule(epochs, lr, self.batch_size or rows, (self.betas[0], self.betas[1]), self.init_std)
