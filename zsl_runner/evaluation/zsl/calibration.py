"""Scores of seen and unseen classes, and calibrated stacking: one offset between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from zsl_runner.evaluation.metrics import harmonic_mean
from zsl_runner.evaluation.zsl.scorer import Scorer


@dataclass(frozen=True)
class BestScores:
    """What decides scored rows: of either kind of class the best score, and which class has it; the first of equals.

    Attributes:
        seen: (N,) float64 best score of a seen class.
        seen_place: (N,) int64 place of that class among the S seen ones.
        unseen: (N,) float64 best score of an unseen class.
        unseen_place: (N,) int64 place of that class among the unseen ones.
    """

    seen: Tensor
    seen_place: Tensor
    unseen: Tensor
    unseen_place: Tensor

    @classmethod
    def of(cls, scores: Tensor, seen: int) -> BestScores:
        """Return what decides rows with scores (N, S + U), of which the first S are of seen classes."""
        best_seen, seen_place = scores[:, :seen].max(1)
        best_unseen, unseen_place = scores[:, seen:].max(1)
        return cls(best_seen.double(), seen_place, best_unseen.double(), unseen_place)

    @classmethod
    def joined(cls, blocks: Sequence[BestScores]) -> BestScores:
        """Return what decides the rows of blocks, one after the other."""
        columns = ((block.seen, block.seen_place, block.unseen, block.unseen_place) for block in blocks)
        return cls(*(torch.cat(parts) for parts in zip(*columns, strict=True)))

    def among(self, seen_classes: Tensor, unseen_classes: Tensor, offset: float = 0.0) -> Tensor:
        r"""Return which class wins each row under one offset; a tie goes to the seen class.

        $\hat y = \arg\max_c [ s_c(x) - \gamma\, 1(c \text{ seen}) ]$

        Args:
            seen_classes: (S,) global class ids.
            unseen_classes: (U,) global class ids.
            offset: $\gamma$.

        Returns:
            (N,) global class ids; `accuracies_at` counts the same decisions.
        """
        is_seen = self.seen - self.unseen >= offset
        return torch.where(is_seen, seen_classes[self.seen_place], unseen_classes[self.unseen_place])


@dataclass(frozen=True)
class SplitScores:
    """What calibration needs to know of the scored rows of one split.

    A row is decided by three numbers: the gap between its best seen and best unseen score, and whether the best class
    of either kind is the right one. Predicting unseen happens where the gap is below the offset.

    Attributes:
        gap: (N,) float64 best seen score minus best unseen score.
        right: (N,) bool, whether the row counts as right once it is assigned to the side its class belongs to.
        weight: (N,) float64 share of each row in the mean-class accuracy: 1 / (n_c * number of classes present).
    """

    gap: Tensor
    right: Tensor
    weight: Tensor


def split_scores(best: BestScores, labels: Tensor, winner: Tensor) -> SplitScores:
    """Summarise the scored rows of one split.

    Args:
        best: what decides the rows.
        labels: (N,) global class ids.
        winner: (N,) global class ids that are predicted if only the kind of classes takes part that the rows are of.

    Returns:
        Tensors on the CPU: of the running sums that `stacking_curve` takes, some releases of torch make a table of
        N x N on CUDA where results are to repeat themselves (pull request 136224 of pytorch/pytorch).
    """
    gap, right, labels = (values.cpu() for values in (best.seen - best.unseen, winner == labels, labels))
    counts = torch.bincount(labels)
    present = int((counts > 0).sum())
    return SplitScores(gap, right, 1.0 / (counts[labels].double() * present))


@dataclass(frozen=True)
class StackingCurve:
    r"""U and S for every offset $\gamma$ at which a decision changes, from $-\infty$ to $+\infty$.

    $\hat y = \arg\max_c [ s_c(x) - \gamma\, 1(c \text{ seen}) ]$

    Attributes:
        offsets: (P,) ascending offsets, one inside each interval between two change points.
        unseen: (P,) U in per cent, non-decreasing.
        seen: (P,) S in per cent, non-increasing.
    """

    offsets: Tensor
    unseen: Tensor
    seen: Tensor

    def harmonic(self) -> Tensor:
        """Return (P,) H in per cent, 0 where U + S = 0."""
        total = self.unseen + self.seen
        return torch.where(total > 0, 2 * self.unseen * self.seen / total.clamp_min(1e-300), torch.zeros_like(total))

    def best(self) -> tuple[float, float]:
        """Return (offset, H) where H is largest; the offset nearest to 0 among equals."""
        harmonic = self.harmonic()
        top = torch.nonzero(harmonic == harmonic.max()).squeeze(1)
        index = top[self.offsets[top].abs().argmin()]
        return float(self.offsets[index]), float(harmonic[index])

    def area(self) -> float:
        r"""Return AUSUC, $\int U \, dS$ as fractions of one, by the trapezoid rule over the exact change points."""
        return float(0 - torch.trapezoid(self.unseen, self.seen)) / 1e4  # a minus sign would make -0 of 0


def accuracies_at(seen: SplitScores, unseen: SplitScores, offset: float) -> tuple[float, float, float]:
    """Return (U, S, H) in per cent under one offset; a tie goes to the seen class."""
    s = 100 * float((seen.weight * (seen.right & (seen.gap >= offset))).sum())
    u = 100 * float((unseen.weight * (unseen.right & (unseen.gap < offset))).sum())
    return u, s, harmonic_mean(u, s)


def stacking_curve(seen: SplitScores, unseen: SplitScores) -> StackingCurve:
    """Return the exact curve: one point for every interval of offsets with equal decisions."""
    changes = torch.unique(torch.cat([seen.gap[seen.right], unseen.gap[unseen.right]]))
    if len(changes) == 0:
        offsets = torch.zeros(1, dtype=torch.float64, device=seen.gap.device)
    else:
        # Decisions change above a gap. Where 1, or half a distance, is lost in rounding the next number is above it.
        above = torch.cat([(changes[:-1] + changes[1:]) / 2, changes[-1:] + 1])
        above = torch.maximum(above, changes.nextafter(torch.full_like(changes, torch.inf)))
        offsets = torch.cat([changes[:1] - 1, above])

    def share_below(split: SplitScores) -> Tensor:
        order = split.gap.argsort()
        cumulative = torch.cat([split.weight.new_zeros(1), (split.weight * split.right)[order].cumsum(0)])
        return cumulative[torch.searchsorted(split.gap[order], offsets)]

    total_seen = (seen.weight * seen.right).sum()
    return StackingCurve(offsets, 100 * share_below(unseen), 100 * (total_seen - share_below(seen)))


@dataclass(frozen=True)
class ZeroShotDetails:
    """Scored rows and predictions of one evaluation; a score for each row and class would be too many to keep.

    Attributes:
        seen: summary of the rows of seen classes.
        unseen: summary of the rows of unseen classes.
        seen_predictions: (n_s,) global class ids predicted among all candidates.
        unseen_predictions: (n_u,) global class ids predicted among all candidates.
        curve: U and S over all calibration offsets.
        chosen_offset: the offset chosen on validation data, if there is one.
        scorer: what gave the scores, and gives them again if they are asked for.
    """

    seen: SplitScores
    unseen: SplitScores
    seen_predictions: Tensor
    unseen_predictions: Tensor
    curve: StackingCurve
    chosen_offset: float | None
    scorer: Scorer
