"""Options of the conditional variational autoencoder for segmentation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability, Provision, View
from zsl_runner.models.segmentation_conf import KERNELS, ContractingConf, ExpandingConf, LabelCNNConf, unfit_sides


@dataclass
class EncoderConf(ContractingConf):
    """From an image and a label map to a Gaussian over codes; recognition and prior have one each, of equal sizes."""

    channels: list[int] = option([64, 96, 128], "channels of each convolution's output", low=1)
    kernels: list[int] = option([9, 5, 3], "sides of each convolution's kernel", choices=KERNELS)
    latent_kernel: int = option(3, "side of the kernels that make means and log-variances", choices=KERNELS)


@dataclass
class GenerationConf(ExpandingConf):
    """From a code to logits of labels."""

    channels: list[int] = option([96, 64, 48, 48], "channels of each convolution's output", low=1)
    kernels: list[int] = option([3, 5, 5, 5], "sides of each convolution's kernel", choices=KERNELS)
    output_kernel: int = option(5, "side of the kernel that makes logits", choices=KERNELS)


@dataclass
class CVAESegmentationConf(ModelConf):
    """Label maps from images and codes; logits are the sum of a deterministic path and of one from the code."""

    implementation: ClassVar[str] = "zsl_runner.models.cvae_segmentation.model:CVAESegmentation"
    reads: ClassVar[View] = View.PAIRS
    needs: ClassVar[frozenset[str]] = frozenset({Provision.PAIRS, Provision.SEGMENTATION})
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.PREDICT_OUTPUT, Capability.LATENT_OUTPUT})

    kind: str = option("cvae_segmentation", "the implementation; fixed by the file chosen in the group")
    name: str = option("cvae_segmentation", "the label in directories, tables and TensorBoard")
    latent_channels: int = option(32, "channels of the code, a small map (8 x 8 for images of 128 x 128)", low=1)
    prior: str = option(
        "conditional",
        "p(z | x): conditional = by a network; standard = N(0, I)",
        choices=("conditional", "standard"),
    )
    recurrent: bool = option(True, "the prior network also sees the deterministic path's guess of the labels")
    guess_scale: float = option(
        2.0,
        "factor of the deterministic path's logits before the guess's softmax, for the summand that is missing there; "
        "used with recurrent only",
        low=0.0,
        above=True,
    )
    detach_guess: bool = option(False, "the prior's loss does not move the deterministic path")
    multi_scale: bool = option(
        True, "the deterministic path also predicts labels at 1/4 and 1/2 scale, as further terms of the loss"
    )
    encoder: EncoderConf = section(EncoderConf, "recognition and prior network")
    generation: GenerationConf = section(GenerationConf, "generation network")
    cnn: LabelCNNConf = section(LabelCNNConf, "deterministic path")

    def problems(self) -> Iterable[Problem]:
        """Yield what does not fit together."""
        if self.recurrent and self.prior == "standard":
            yield Problem("recurrent", "only a conditional prior sees the guess; use recurrent=false")
        if self.detach_guess and not self.recurrent:
            yield Problem("detach_guess", "has no effect with recurrent=false")
        if self.encoder.reduction() != self.generation.enlargement():
            yield Problem(
                "generation",
                f"its {len(self.generation.channels)} doublings must undo the encoder, which divides sides by "
                f"{self.encoder.reduction()} (its stride, and 2 for each convolution)",
            )

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect without a guess."""
        if not self.recurrent:
            yield from idle("recurrent=false", "guess_scale")

    def fits(self, dataset: DatasetConf) -> Iterable[Problem]:
        """Yield a problem if the data set's images have a side that the layers cannot halve."""
        yield from unfit_sides(dataset, "encoder", self.encoder.reduction())
        yield from unfit_sides(dataset, "cnn.contracting", self.cnn.contracting.reduction())
