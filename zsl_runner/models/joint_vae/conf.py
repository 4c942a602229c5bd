"""Options of JointVAE."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability, Provision

SIDES: Final = (32, 64)


@dataclass
class JointVAEConf(ModelConf):
    """Convolutional autoencoder of images of 32 or 64 pixels a side; any set of continuous and discrete variables."""

    implementation: ClassVar[str] = "zsl_runner.models.joint_vae.model:JointVAE"
    needs: ClassVar[frozenset[str]] = frozenset({Provision.IMAGE_ROWS})
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.JOINT_CODE})

    kind: str = option("joint_vae", "the implementation; fixed by the file chosen in the group")
    name: str = option("joint_vae", "the label in directories, tables and TensorBoard")
    continuous: int = option(10, "number d of continuous latent variables; may be 0", low=0)
    discrete: list[int] = option([10], "categories of each discrete latent variable, at least 2; [] for none", low=2)
    temperature: float = option(
        0.67,
        "temperature of the relaxed discrete variables; the official code keeps 0.67 throughout",
        low=0.0,
        above=True,
    )
    hard: bool = option(
        False, "one-hot samples in training, with the gradient of the relaxed ones (straight-through); official: no"
    )
    recon_scale: str = option(
        "official",
        "official: cross-entropy averaged over channels and summed over pixels, a third of the likelihood of a colour "
        "image; sum: summed over both. The same for grey images",
        choices=("official", "sum"),
    )

    def uses_labels(self) -> bool:
        """Training sees images alone."""
        return False

    def problems(self) -> Iterable[Problem]:
        """A code is needed; what concerns discrete variables needs one."""
        if not self.continuous and not self.discrete:
            yield Problem("continuous", "is 0 and discrete=[]: there is no latent variable; give at least one")
        if self.hard and not self.discrete:
            yield Problem("hard", "has no effect with discrete=[]; use false")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect without discrete variables."""
        if not self.discrete:
            yield from idle("discrete=[]", "temperature")

    def idle_on(self, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what makes no difference where there is one channel."""
        if dataset.image_channels() == 1:
            yield from idle("grey images", "recon_scale")

    def fits(self, dataset: DatasetConf) -> Iterable[Problem]:
        """The networks take two sizes of images."""
        side = dataset.image_side()
        if side is not None and side not in SIDES:
            yield Problem(
                "kind",
                f"joint_vae takes images of 32 x 32 or 64 x 64 pixels, and those of dataset={dataset.kind} have "
                f"{side} x {side}; resize them with dataset.side=32",
            )
