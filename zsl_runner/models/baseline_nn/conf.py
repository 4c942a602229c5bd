"""Options of the deterministic baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.vocabulary import Capability
from zsl_runner.models.output_conf import OutputConf


@dataclass
class BaselineNNConf(OutputConf):
    """One multilayer perceptron from inputs to the parameters of independent outputs."""

    implementation: ClassVar[str] = "zsl_runner.models.baseline_nn.model:BaselineNN"
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.PREDICT_OUTPUT})

    kind: str = option("baseline_nn", "the implementation; fixed by the file chosen in the group")
    name: str = option("baseline_nn", "the label in directories, tables and TensorBoard")
