"""Options of the deterministic baselines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability, Provision, View
from zsl_runner.models.network_conf import OutputConf
from zsl_runner.models.segmentation_conf import LabelCNNConf, unfit_sides


@dataclass
class BaselineNNConf(OutputConf):
    """One multilayer perceptron from inputs to the parameters of independent outputs."""

    implementation: ClassVar[str] = "zsl_runner.models.baselines.model:BaselineNN"
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.PREDICT_OUTPUT})

    kind: str = option("baseline_nn", "the implementation; fixed by the file chosen in the group")
    name: str = option("baseline_nn", "the label in directories, tables and TensorBoard")


@dataclass
class BaselineCNNConf(ModelConf):
    """A convolutional network from an image to the labels of its pixels, without codes."""

    implementation: ClassVar[str] = "zsl_runner.models.baselines.model:BaselineCNN"
    reads: ClassVar[View] = View.PAIRS
    needs: ClassVar[frozenset[str]] = frozenset({Provision.PAIRS, Provision.SEGMENTATION})
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.PREDICT_OUTPUT})

    kind: str = option("baseline_cnn", "the implementation; fixed by the file chosen in the group")
    name: str = option("baseline_cnn", "the label in directories, tables and TensorBoard")
    multi_scale: bool = option(True, "also predict labels at 1/4 and 1/2 scale, as further terms of the loss")
    cnn: LabelCNNConf = section(LabelCNNConf, "the network")

    def fits(self, dataset: DatasetConf) -> Iterable[Problem]:
        """Yield a problem if the data set's images have a side that the layers cannot halve."""
        yield from unfit_sides(dataset, "cnn.contracting", self.cnn.contracting.reduction())
