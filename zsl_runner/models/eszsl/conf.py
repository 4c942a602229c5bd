"""Options of ESZSL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.schema import ModelConf
from zsl_runner.config.vocabulary import Capability, Provision


@dataclass
class ESZSLConf(ModelConf):
    """ESZSL: a bilinear compatibility of features and class vectors in closed form; a reference, not a generator."""

    implementation: ClassVar[str] = "zsl_runner.models.eszsl.model:ESZSL"
    needs: ClassVar[frozenset[str]] = frozenset({Provision.FEATURES, Provision.CLASS_VECTORS})
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.CLASS_SCORES, Capability.FIT})

    kind: str = option("eszsl", "the implementation; fixed by the file chosen in the group")
    name: str = option("eszsl", "the label in directories, tables and TensorBoard")
    labels: str = option(
        "one_hot",
        "targets of the other classes: one_hot = 0, as benchmarks run it; signed = -1, as in the paper",
        choices=("one_hot", "signed"),
    )
    feature_penalty: float = option(
        1e3, "gamma, added to the diagonal of X^T X: in squared feature units, summed over rows", low=0.0, above=True
    )
    class_penalty: float = option(
        0.1,
        "lambda, added to the diagonal of A^T A: in squared class-vector units, summed over classes",
        low=0.0,
        above=True,
    )
