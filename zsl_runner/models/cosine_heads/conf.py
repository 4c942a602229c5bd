"""Options of cosine logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.schema import ModelConf
from zsl_runner.config.vocabulary import Capability, Provision


@dataclass
class CosineHeadsConf(ModelConf):
    """One perceptron on features, one on class vectors; logits are cosines of what they return."""

    implementation: ClassVar[str] = "zsl_runner.models.cosine_heads.model:CosineHeads"
    needs: ClassVar[frozenset[str]] = frozenset({Provision.ZERO_SHOT_TASKS})
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.TASK_LOGITS, Capability.UNSEEN_LOGITS})

    kind: str = option("cosine_heads", "the implementation; fixed by the file chosen in the group")
    name: str = option("cosine_heads", "the label in directories, tables and TensorBoard")
    hidden: list[int] = option([512], "widths of the hidden layers of either perceptron, each with a ReLU", low=1)
    width: int = option(256, "width of the common space", low=1)
    scale: float = option(10.0, "factor of the cosines", low=0.0, above=True)
