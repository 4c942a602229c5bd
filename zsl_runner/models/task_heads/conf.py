"""Options of the networks that learn tasks: a head for each task, or cosines with class vectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability, Provision
from zsl_runner.data.images.options import ImagesConf


@dataclass
class TaskHeadsConf(ModelConf):
    """A multilayer perceptron on pixels or features, and a linear head for each task."""

    implementation: ClassVar[str] = "zsl_runner.models.task_heads.model:TaskHeads"
    needs: ClassVar[frozenset[str]] = frozenset({Provision.TASKS})
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.TASK_LOGITS})

    kind: str = option("task_heads", "the implementation; fixed by the file chosen in the group")
    name: str = option("task_heads", "the label in directories, tables and TensorBoard")
    hidden: list[int] = option([400, 400], "widths of the hidden layers, each with a ReLU", low=1)

    def problems(self) -> Iterable[Problem]:
        """The last hidden layer holds the features."""
        if not self.hidden:
            yield Problem("hidden", "expected at least one hidden layer, whose outputs are the features")


@dataclass
class TaskHeadsCNNConf(ModelConf):
    """Convolutions that halve the side of images, a hidden layer, and a linear head for each task."""

    implementation: ClassVar[str] = "zsl_runner.models.task_heads.model:TaskHeadsCNN"
    needs: ClassVar[frozenset[str]] = frozenset({Provision.TASKS})
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.TASK_LOGITS})

    kind: str = option("task_heads_cnn", "the implementation; fixed by the file chosen in the group")
    name: str = option("task_heads_cnn", "the label in directories, tables and TensorBoard")
    channels: list[int] = option([32, 64], "channels of the convolutions, each of which halves the side", low=1)
    hidden: int = option(256, "width of the hidden layer behind them", low=1)

    def problems(self) -> Iterable[Problem]:
        """A convolution there must be."""
        if not self.channels:
            yield Problem("channels", "expected at least one convolution; model=task_heads has none")

    def fits(self, dataset: DatasetConf) -> Iterable[Problem]:
        """Yield that rows are no images, or too small to be halved so often."""
        if not isinstance(dataset, ImagesConf):
            yield Problem("channels", f"dataset {dataset.name} has rows of features; expected images")
            return
        side = dataset.image_side()
        if side is not None and side < 2 ** len(self.channels):
            yield Problem("channels", f"{len(self.channels)} convolutions halve {side} pixels to less than one")


@dataclass
class CosineHeadsConf(ModelConf):
    """One perceptron on features, one on class vectors; logits are cosines of what they return."""

    implementation: ClassVar[str] = "zsl_runner.models.task_heads.cosine:CosineHeads"
    needs: ClassVar[frozenset[str]] = frozenset({Provision.ZERO_SHOT_TASKS})
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.TASK_LOGITS, Capability.UNSEEN_LOGITS})

    kind: str = option("cosine_heads", "the implementation; fixed by the file chosen in the group")
    name: str = option("cosine_heads", "the label in directories, tables and TensorBoard")
    hidden: list[int] = option([512], "widths of the hidden layers of either perceptron, each with a ReLU", low=1)
    width: int = option(256, "width of the common space", low=1)
    scale: float = option(10.0, "factor of the cosines", low=0.0, above=True)
