"""Options of pixel-to-prototype contrast."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.models.class_mapping_conf import ClassMapperConf, HeadedMapperConf
from zsl_runner.trainers.class_mapping_conf import ClassMappingTrainerConf, PhaseConf


@dataclass
class WeightsConf:
    """Factors of the terms of the second phase, beside the tags' loss; 0 skips a term, so that it costs nothing."""

    least_activation: float = option(1.0, "adaptive minimum pooling of the refined maps", low=0.0)
    equivariance: float = option(1.0, "difference of the two views' plain maps", low=0.0)
    refinement: float = option(1.0, "difference of each view's refined maps from the other's plain ones", low=0.0)
    cross_prototype: float = option(0.1, "contrast with the other view's prototypes", low=0.0)
    cross_map: float = option(0.1, "contrast with the other view's pseudo masks", low=0.0)
    intra: float = option(0.1, "contrast within each view, with mining", low=0.0)

    @property
    def compare_maps(self) -> bool:
        """Whether maps of one view are compared with those of the other."""
        return self.equivariance > 0 or self.refinement > 0

    @property
    def make_prototypes(self) -> bool:
        """Whether there is a contrast of pixels with prototypes."""
        return self.cross_prototype > 0 or self.cross_map > 0 or self.intra > 0


@dataclass
class PrototypesConf:
    """How prototypes are made, and pixels compared with them."""

    pixels: float = option(
        0.125,
        "K, pixels of the whole batch that make a prototype: below 1 as a share of the grid, from 1 on their number",
        low=0.0,
        above=True,
    )
    threshold: float = option(0.2, "beta, confidence of the background in pseudo masks", low=0.0, high=1.0)
    temperature: float = option(0.1, "tau of the contrast", low=0.0, above=True)
    background: str = option(
        "complement",
        "how confident a pixel is of the background where prototypes are made: complement = 1 - the largest class; "
        "constant = the threshold everywhere, as released, which makes it a tie of all pixels",
        choices=("complement", "constant"),
    )
    absent_masked: bool = option(
        True,
        "classes that no image of the batch shows have no prototype; false as released, where their maps are spread, "
        "too: model.correlation.tagged=false",
    )
    clamped: bool = option(True, "keep confidences from being negative; false as released")
    ties: str = option(
        "shared",
        "pixels of equal confidence at the end of the K: shared = all alike; first = the first ones, as released",
        choices=("shared", "first"),
    )

    def problems(self) -> Iterable[Problem]:
        """Yield a number of pixels that is none."""
        if self.pixels > 1 and self.pixels != round(self.pixels):
            yield Problem("pixels", f"from 1 on it is a number of pixels, which is whole; found {self.pixels:g}")


@dataclass
class MiningConf:
    """Which prototypes and pixels take part in the contrast within a view."""

    dropped: int = option(1, "most similar prototypes left out as too hard: 1 of 11 classes, 3 of 21", low=0)
    last: int = option(6, "rank of the last prototype that counts: 6 of 11 classes, 13 of 21", low=1)
    random_share: float = option(0.5, "share of a class's pixels that count at random", low=0.0, high=1.0)
    band: list[float] = option(
        [0.1, 0.6], "between which shares, from the least similar on, a class's pixels are hard", low=0.0, high=1.0
    )
    positive_ranked: bool = option(
        False, "rank a pixel's own prototype, too, so that it may count twice; true as released"
    )
    mean_over_skipped: bool = option(
        False,
        "divide by the number of all classes, also those of fewer than two pixels that are skipped; as released",
    )

    def problems(self) -> Iterable[Problem]:
        """Yield ranks and a band that leave nothing."""
        if self.last <= self.dropped:
            yield Problem("last", f"expected more than dropped={self.dropped}, found {self.last}: no negative is left")
        if len(self.band) != 2 or self.band[0] > self.band[1]:
            yield Problem("band", f"expected [smallest, largest], found {list(self.band)}")
        elif self.band[0] == self.band[1] and self.random_share == 0:
            yield Problem("band", "is empty, and random_share=0: no pixel is left")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect where the other one takes all pixels."""
        if self.random_share == 1:
            yield from idle("random_share=1", "band")
        elif list(self.band) == [0, 1]:
            yield from idle("band=[0,1]", "random_share")


@dataclass
class PrototypeContrastConf(ClassMappingTrainerConf):
    """Two phases: classification by tags alone, then two views with equivariance and contrast of pixels."""

    implementation: ClassVar[str] = "zsl_runner.trainers.prototype_contrast.trainer:PrototypeContrast"

    kind: str = option("prototype_contrast", "the implementation; fixed by the file chosen in the group")
    name: str = option("prototype_contrast", "the label in directories, tables and TensorBoard")
    classify: PhaseConf = section(PhaseConf, "first phase, by tags alone")
    contrast: PhaseConf = section(PhaseConf, "second phase, with all terms")
    view_scale: float = option(0.5, "side of the second view as a share of the image's", low=0.0, high=1.0, above=True)
    grid: int | None = option(
        None, "side of the square grid on which the views are compared; null = the second view's own maps", low=1
    )
    weights: WeightsConf = section(WeightsConf, "factors of the terms of the second phase")
    prototypes: PrototypesConf = section(PrototypesConf, "prototypes and temperature")
    mining: MiningConf = section(MiningConf, "contrast within a view")

    def view_side(self, side: int) -> int:
        """Return the side of the second view of images of a side, in pixels."""
        return round(side * self.view_scale)

    def prototype_pixels(self, cells: int) -> int:
        """Return K for a grid of so many cells.

        >>> PrototypeContrastConf().prototype_pixels(64)
        8
        """
        pixels = self.prototypes.pixels
        return round(pixels) if pixels >= 1 else max(1, round(pixels * cells))

    def problems(self) -> Iterable[Problem]:
        """Yield that there is nothing to do."""
        if self.classify.steps + self.contrast.steps == 0:
            yield Problem("classify.steps", "both phases have none; give one of them steps")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect where the second phase, or a contrast, is left out."""
        weights = self.weights
        yield from self.idle_with_one_phase(self.classify, self.contrast)
        if self.contrast.steps == 0:
            yield from idle("contrast.steps=0", "view_scale", "grid", "weights", "prototypes", "mining")
            return
        if not weights.intra:
            yield from idle("weights.intra=0", "mining")
        if not weights.make_prototypes:
            yield from idle("weights of 0 of all contrasts", "prototypes")
            if not weights.compare_maps:
                yield from idle("weights of 0 of equivariance, refinement and all contrasts", "grid")

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield that classes without tag have no prototype anyway where their maps are not spread."""
        alike = isinstance(model, HeadedMapperConf) and model.correlation.tagged and self.prototypes.clamped
        if self.contrast.steps and self.weights.make_prototypes and alike:
            yield from idle("model.correlation.tagged=true and prototypes.clamped=true", "prototypes.absent_masked")

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """Yield a second view below the stride of the network, and more pixels for a prototype than a batch has."""
        side = dataset.image_side()
        if side is None or not isinstance(model, ClassMapperConf) or not self.contrast.steps:
            return
        view = self.view_side(side)
        if view < model.reduction():
            yield Problem(
                "view_scale",
                f"makes views of {view} pixels of images of {side}, less than the network's stride of "
                f"{model.reduction()}; use a larger one",
            )
            return
        if not self.weights.make_prototypes:
            return
        cells = (self.grid or model.map_side(view)) ** 2
        wanted, most = self.prototype_pixels(cells), self.batch_size * cells
        if wanted > most:
            yield Problem(
                "prototypes.pixels",
                f"expected at most {most:,}, all pixels of a batch on a grid of {cells} cells, found {wanted:,}",
            )
