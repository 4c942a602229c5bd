"""Options of learning class maps from masks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Idle, Problem
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Provision
from zsl_runner.data.tagged.options import TaggedConf
from zsl_runner.trainers.class_mapping_conf import ClassMappingTrainerConf, PhaseConf


@dataclass
class MaskSupervisionConf(ClassMappingTrainerConf):
    """Full supervision: training sees the masks of its images, so that its test metrics are bounds, `oracle/...`."""

    implementation: ClassVar[str] = "zsl_runner.trainers.mask_supervision.trainer:MaskSupervision"
    needs: ClassVar[frozenset[str]] = frozenset({Provision.TAGS, Provision.MASKS})

    kind: str = option("mask_supervision", "the implementation; fixed by the file chosen in the group")
    name: str = option("mask_supervision", "the label in directories, tables and TensorBoard")
    background_logit: float = option(
        20.0, "b, what a class's map must exceed to be the class of a pixel; the background's own map is never read"
    )
    first: PhaseConf = section(PhaseConf, "first phase")
    second: PhaseConf = section(PhaseConf, "second phase, of the same loss")

    def problems(self) -> Iterable[Problem]:
        """Yield that there is nothing to do."""
        if self.first.steps + self.second.steps == 0:
            yield Problem("first.steps", "both phases have none; give one of them steps")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect where a phase is left out."""
        yield from super().idle_options()
        yield from self.idle_with_one_phase(self.first, self.second)

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """Yield that there are no masks to learn from."""
        if isinstance(dataset, TaggedConf) and not dataset.has_masks():
            yield Problem(
                "kind",
                "learns from masks of the training images, and dataset.masks names none; give their folder in "
                "dataset.root, e.g. dataset.masks=masks, or use trainer=prototype_contrast, which learns from tags",
            )
