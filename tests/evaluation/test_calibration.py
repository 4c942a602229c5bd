import pytest
import torch

from zsl_runner.evaluation.metrics import harmonic_mean, mean_class_accuracy
from zsl_runner.evaluation.zsl.calibration import (
    BestScores,
    SplitScores,
    StackingCurve,
    ZeroShotDetails,
    accuracies_at,
    split_scores,
    stacking_curve,
)
from zsl_runner.evaluation.zsl.figures import zero_shot_figures

CANDIDATES = torch.tensor([4, 7, 1, 0, 3])
SEEN_COLUMNS = torch.tensor([True, True, True, False, False])


@pytest.fixture
def problem():
    generator = torch.Generator().manual_seed(3)

    def rows(classes, count):
        labels = CANDIDATES[classes][torch.randint(0, len(CANDIDATES[classes]), (count,), generator=generator)]
        scores = torch.randn(count, 5, generator=generator, dtype=torch.float64)
        return scores + 1.2 * (labels[:, None] == CANDIDATES), labels

    return rows(SEEN_COLUMNS, 120), rows(~SEEN_COLUMNS, 80)


def summary_of(scores, labels, seen_columns, candidates, of_seen):
    """Return the summary of rows with scores (N, C), of which the first columns are of seen classes."""
    count = int(seen_columns.sum())
    best = BestScores.of(scores, count)
    winner = candidates[:count][best.seen_place] if of_seen else candidates[count:][best.unseen_place]
    return split_scores(best, labels, winner)


def by_argmax(problem, offset):
    (seen_scores, seen_labels), (unseen_scores, unseen_labels) = problem
    shift = offset * SEEN_COLUMNS.double()
    u = mean_class_accuracy(unseen_labels, CANDIDATES[(unseen_scores - shift).argmax(1)])
    s = mean_class_accuracy(seen_labels, CANDIDATES[(seen_scores - shift).argmax(1)])
    return u, s, harmonic_mean(u, s)


def summaries(problem):
    (seen_scores, seen_labels), (unseen_scores, unseen_labels) = problem
    return (
        summary_of(seen_scores, seen_labels, SEEN_COLUMNS, CANDIDATES, of_seen=True),
        summary_of(unseen_scores, unseen_labels, SEEN_COLUMNS, CANDIDATES, of_seen=False),
    )


@pytest.mark.parametrize("offset", [-100.0, -1.0, -0.2, 0.0, 0.3, 1.5, 100.0])
def test_summary_decides_like_argmax(problem, offset):
    assert accuracies_at(*summaries(problem), offset) == pytest.approx(by_argmax(problem, offset), abs=1e-9)


@pytest.mark.parametrize("offset", [-1.0, 0.0, 0.3])
def test_blocks_of_rows_are_decided_as_all_at_once(problem, offset):
    (_, _), (scores, _) = problem
    sides = CANDIDATES[SEEN_COLUMNS], CANDIDATES[~SEEN_COLUMNS]
    joined = BestScores.joined([BestScores.of(block, 3) for block in torch.split(scores, 7)])
    expected = CANDIDATES[(scores - offset * SEEN_COLUMNS.double()).argmax(1)]
    assert torch.equal(joined.among(*sides, offset), expected)
    tied = BestScores.of(torch.tensor([[1.0, 2.0, 2.0, 2.0, 2.0], [0.0, 0.0, 1.0, 2.0, 2.0]]), 3)
    assert tied.among(*sides).tolist() == [7, 0]  # the seen class, the first of two


def test_every_point_of_the_curve_is_what_argmax_gives(problem):
    curve = stacking_curve(*summaries(problem))
    for offset, u, s in zip(curve.offsets.tolist(), curve.unseen.tolist(), curve.seen.tolist(), strict=True):
        assert (u, s) == pytest.approx(by_argmax(problem, offset)[:2], abs=1e-9)


def test_no_grid_finds_a_better_offset(problem):
    curve = stacking_curve(*summaries(problem))
    offset, harmonic = curve.best()
    grid = [by_argmax(problem, value)[2] for value in torch.linspace(-6, 6, 2001).tolist()]
    assert harmonic == pytest.approx(max(grid), abs=1e-9)
    assert by_argmax(problem, offset)[2] == pytest.approx(harmonic, abs=1e-9)


def test_ends_of_the_curve(problem):
    (seen_scores, seen_labels), (unseen_scores, unseen_labels) = problem
    curve = stacking_curve(*summaries(problem))
    t1 = mean_class_accuracy(unseen_labels, CANDIDATES[~SEEN_COLUMNS][unseen_scores[:, ~SEEN_COLUMNS].argmax(1)])
    s_alone = mean_class_accuracy(seen_labels, CANDIDATES[SEEN_COLUMNS][seen_scores[:, SEEN_COLUMNS].argmax(1)])
    assert (curve.unseen[0], curve.seen[-1]) == (0, pytest.approx(0, abs=1e-9))
    assert float(curve.unseen[-1]) == pytest.approx(t1, abs=1e-9)
    assert float(curve.seen[0]) == pytest.approx(s_alone, abs=1e-9)
    assert (curve.unseen.diff() >= -1e-9).all()
    assert (curve.seen.diff() <= 1e-9).all()


def test_area_of_a_perfect_and_of_a_hopeless_scorer():
    def scored(right):
        labels = torch.tensor([0, 1])
        scores = torch.eye(2, dtype=torch.float64) if right else 1 - torch.eye(2, dtype=torch.float64)
        columns, candidates = torch.tensor([True, False]), torch.tensor([0, 1])
        return [summary_of(scores[i : i + 1], labels[i : i + 1], columns, candidates, of_seen=not i) for i in range(2)]

    assert stacking_curve(*scored(True)).area() == pytest.approx(1.0)
    assert stacking_curve(*scored(False)).area() == pytest.approx(0.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_of_offsets_that_are_equally_good_the_one_nearest_to_zero_is_best(sign):
    offsets = sign * torch.tensor([-4.0, -1.0, 3.0, 5.0], dtype=torch.float64)
    accuracies = torch.tensor([50.0, 50.0, 50.0, 0.0], dtype=torch.float64)
    assert StackingCurve(offsets, accuracies, accuracies).best() == (-1.0 * sign, 50.0)


def test_wrong_everywhere_gives_a_flat_curve():
    scores, labels = torch.tensor([[0.0, 1.0, 5.0, 0.0, 1.0]]), torch.tensor([4])
    seen = summary_of(scores, labels, SEEN_COLUMNS, CANDIDATES, of_seen=True)
    unseen = summary_of(scores, torch.tensor([0]), SEEN_COLUMNS, CANDIDATES, of_seen=False)
    curve = stacking_curve(seen, unseen)
    assert curve.best() == (0.0, 0.0)
    assert str(curve.area()) == "0.0"  # -0.0 would be in the result and in its table


@pytest.mark.parametrize("scale", [1.0, 1e16, 1e30])
def test_the_ends_are_those_of_the_largest_scores_too(scale):
    """An offset of 1 more than 1e16 is 1e16 again: the curve ended before its last decision changed."""
    candidates, seen_columns = torch.tensor([0, 1, 2]), torch.tensor([True, False, False])
    of_unseen = torch.tensor([[1.0, 0.0, -0.5], [2.0, 0.0, 0.5]]) * scale
    seen = summary_of(torch.tensor([[1.0, 0.0, 0.0]]) * scale, torch.tensor([0]), seen_columns, candidates, True)
    unseen = summary_of(of_unseen, torch.tensor([1, 2]), seen_columns, candidates, False)
    curve = stacking_curve(seen, unseen)
    assert (curve.unseen.tolist(), curve.seen.tolist()) == ([0.0, 50.0, 100.0], [100.0, 0.0, 0.0])


def test_gaps_next_to_each_other_are_two_decisions():
    """No number lies between them, so none between them can be the offset."""
    gap = torch.tensor([1.0, 1.0], dtype=torch.float64)
    gap[1] = gap[1].nextafter(torch.tensor(torch.inf, dtype=torch.float64))
    right, weight = torch.tensor([True, True]), torch.full((2,), 0.5, dtype=torch.float64)
    curve = stacking_curve(SplitScores(gap, right, weight), SplitScores(gap, right, weight))
    assert (curve.unseen.tolist(), curve.seen.tolist()) == ([0.0, 50.0, 100.0], [100.0, 50.0, 0.0])


def test_the_figure_marks_what_is_measured():
    """The offset of the curve that is nearest to 0 is -0.75, which decides otherwise, and to 8 it is 11."""
    right, weight = torch.tensor([True, True]), torch.full((2,), 0.5, dtype=torch.float64)
    seen, unseen = (
        SplitScores(torch.tensor(gap, dtype=torch.float64), right, weight) for gap in ([-1.0, 10.0], [-0.5, 12.0])
    )
    nothing = torch.empty(0, dtype=torch.int64)
    details = ZeroShotDetails(seen, unseen, nothing, nothing, stacking_curve(seen, unseen), 8.0, None)
    axes = dict(zero_shot_figures(None, None, details, {}))["unseen_against_seen"]().axes[0]
    assert [line.get_xydata().tolist() for line in axes.lines[1:]] == [[[50.0, 50.0]], [[50.0, 50.0]]]
    assert [text.get_text().split(": ")[1] for text in axes.texts if "gamma" in text.get_text()] == ["H 50.0"] * 2
