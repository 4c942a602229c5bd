"""Options of training with capacities."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf, TrainerConf
from zsl_runner.config.vocabulary import Capability, Provision


@dataclass
class CapacityTrainerConf(TrainerConf):
    """Reconstruction, and the divergences of continuous and discrete variables held at capacities C_z and C_c."""

    implementation: ClassVar[str] = "zsl_runner.trainers.capacity.trainer:CapacityTrainer"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.JOINT_CODE})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.IMAGE_ROWS})

    kind: str = option("capacity", "the implementation; fixed by the file chosen in the group")
    name: str = option("capacity", "the label in directories, tables and TensorBoard")
    epochs: int = option(100, "passes over the training images", low=1)
    batch_size: int = option(64, "images of a step", low=1)
    evaluate_every: int = option(1, "epochs between two validations", low=1)
    gamma_z: float = option(30.0, "weight of the distance of KL_z from C_z", low=0.0)
    gamma_c: float = option(30.0, "weight of the distance of KL_c from C_c", low=0.0)
    cz_min: float = option(0.0, "C_z at the start, in nats", low=0.0)
    cz_max: float = option(5.0, "C_z at the end of its rise, in nats", low=0.0)
    cc_min: float = option(0.0, "C_c at the start, in nats", low=0.0)
    cc_max: float = option(
        5.0,
        "C_c at the end of its rise, in nats; C_c stops earlier at the largest possible KL_c, the sum of ln n_k, so "
        "that a larger value is only a steeper rise",
        low=0.0,
    )
    iters: int = option(25_000, "steps T of the rise of both capacities; one counter for both", low=1)
    capacities: str = option(
        "separate",
        "separate: one distance for KL_z and one for KL_c (JointVAE). shared: the distance of KL_z + KL_c from "
        "C_z + C_c, of which the continuous variables take most",
        choices=("separate", "shared"),
    )
    capacity_per: str = option(
        "batch",
        "batch: the mean divergence of a batch is held at the capacity, as in the official code; example: each image's",
        choices=("batch", "example"),
    )
    temperature_end: float | None = option(
        None,
        "temperature of the relaxed discrete variables at the end of `temperature_iters` steps, falling geometrically "
        "from model.temperature; null keeps it, as the official code does (other implementations let it fall)",
        low=0.0,
        above=True,
    )
    temperature_iters: int = option(25_000, "steps of the schedule of the temperature", low=1)
    optim: OptimizerConf = section(OptimizerConf, "optimiser of all networks")

    def optimisers(self) -> dict[str, OptimizerConf]:
        """One group of all networks."""
        return {"model": self.optim}

    def problems(self) -> Iterable[Problem]:
        """Yield capacities that fall, one distance with two weights, and options without effect."""
        for name in ("cz", "cc"):
            low, high = getattr(self, f"{name}_min"), getattr(self, f"{name}_max")
            if low > high:
                yield Problem(f"{name}_min", f"{low:g} is more than {name}_max={high:g}; capacities do not fall")
        if self.capacities == "shared" and self.gamma_z != self.gamma_c:
            yield Problem(
                "gamma_c", f"capacities=shared has one weight, and gamma_z={self.gamma_z:g}; give both the same value"
            )
        if self.temperature_end is None and self.temperature_iters != 25_000:
            yield Problem("temperature_iters", "has no effect with temperature_end=null: the temperature is fixed")

    def idle_options(self) -> Iterable[Idle]:
        """Yield a capacity that nothing is held at, the length of a rise that there is not, and forms of one distance.

        C_c counts without its weight, too: the alarm of a code that has collapsed compares with it. Distances from 0
        are the divergences themselves, whose sums and means are one whatever the order.
        """
        if self.gamma_z == 0:
            yield from idle("gamma_z=0", "cz_min", "cz_max")
        if (self.gamma_z == 0 or self.cz_min == self.cz_max) and self.cc_min == self.cc_max:
            yield from idle("capacities that do not rise", "iters")
        if self.cz_max == 0 and self.cc_max == 0:
            yield from idle("capacities of 0", "capacities", "capacity_per")
        elif self.gamma_z == 0 and self.gamma_c == 0:
            yield from idle("gamma_z=0 and gamma_c=0", "capacities", "capacity_per")

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """A temperature is one of discrete variables."""
        if self.temperature_end is not None and not getattr(model, "discrete", True):
            yield Problem("temperature_end", "has no effect with model.discrete=[]; use null")

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what has no effect without variables of a kind, and which images have labels."""
        if not model.uses_labels():
            yield from idle("a model that learns without labels", "labelled", "label_seed", part="dataset")
        weighted = self.capacities == "separate"
        if not getattr(model, "continuous", True):
            yield from idle("model.continuous=0", "cz_min", "cz_max", "capacities", *(["gamma_z"] if weighted else []))
        if not getattr(model, "discrete", True):
            yield from idle("model.discrete=[]", "cc_min", "cc_max", "capacities", *(["gamma_c"] if weighted else []))
