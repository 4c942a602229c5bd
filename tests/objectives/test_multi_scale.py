"""Label maps at coarser scales, their cross-entropy, and omitted blocks."""

import math

import pytest
import torch

from zsl_runner.objectives.likelihood import categorical_log_likelihood
from zsl_runner.objectives.multi_scale import coarse_targets, one_hot_map, soft_cross_entropy
from zsl_runner.objectives.omission import block_mask, omit_block

LABELS = torch.tensor([[[0, 0, 1, 2], [0, 0, 1, 1], [2, 2, 0, 1], [2, 2, 2, 0]]])


def test_one_hot_maps_have_one_channel_per_label():
    maps = one_hot_map(LABELS, None, 3)
    assert maps.shape == (1, 3, 4, 4)
    assert (maps.sum(1) == 1).all()
    assert (maps.argmax(1) == LABELS).all()
    valid = LABELS != 2
    with_void = one_hot_map(torch.where(valid, LABELS, 99), valid, 3)
    assert (with_void.sum(1) == valid).all()


def test_coarse_targets_share_a_cell_among_its_classes():
    targets, valid = coarse_targets(LABELS, None, 3, 2)
    third = 1 / 3
    expected = torch.tensor([[[1.0, 0, 0], [0, 0.5, 0.5]], [[0, 0, 1], [third, third, third]]]).permute(2, 0, 1)
    torch.testing.assert_close(targets, expected[None])
    assert valid.all()


def test_at_scale_one_targets_are_the_labels():
    generator = torch.Generator().manual_seed(0)
    labels, logits = torch.randint(3, (5, 4, 6), generator=generator), torch.randn(5, 3, 4, 6, generator=generator)
    valid = torch.rand(5, 4, 6, generator=generator) < 0.7
    for given in (None, valid):
        found = soft_cross_entropy(logits, *coarse_targets(labels, given, 3, 1))
        torch.testing.assert_close(found, -categorical_log_likelihood(logits, labels, given))


def test_void_pixels_leave_the_targets():
    valid = torch.ones(1, 4, 4, dtype=torch.bool)
    valid[0, 0, 3] = False  # the only 2 of its cell
    valid[0, 2:, :2] = False  # a whole cell
    targets, cells = coarse_targets(torch.where(valid, LABELS, 255), valid, 3, 2)
    torch.testing.assert_close(targets[0, :, 0, 1], torch.tensor([0.0, 1.0, 0.0]))
    assert cells.tolist() == [[[True, True], [False, True]]]
    assert (targets[0, :, 1, 0] == 0).all()
    logits = torch.randn(1, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    changed = logits.clone()
    changed[0, :, 1, 0] += torch.tensor([5.0, -3.0, 1.0])
    assert soft_cross_entropy(logits, targets, cells).item() == soft_cross_entropy(changed, targets, cells).item()


def test_soft_cross_entropy_is_least_at_the_targets():
    targets, cells = coarse_targets(LABELS, None, 3, 2)
    best = soft_cross_entropy(targets.clamp(min=1e-30).log(), targets, cells)
    assert best.item() == pytest.approx(math.log(2) + math.log(3), abs=1e-5)  # the entropies of the two mixed cells
    other = torch.randn(1, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    assert soft_cross_entropy(other, targets, cells) > best


def test_soft_cross_entropy_gradient():
    logits = torch.randn(1, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    targets, cells = coarse_targets(LABELS, None, 3, 2)
    assert torch.autograd.gradcheck(
        lambda values: soft_cross_entropy(values, targets.double(), cells), logits.requires_grad_()
    )


def test_cells_must_cover_the_map():
    with pytest.raises(ValueError, match="cells of side 3 do not cover maps of 4 x 4 pixels"):
        coarse_targets(LABELS, None, 3, 3)


def test_a_block_is_where_it_was_put():
    x = torch.ones(2, 3, 5, 6)
    tops, lefts = torch.tensor([0, 3]), torch.tensor([4, 1])
    omitted = omit_block(x, 2, tops, lefts)
    expected = torch.ones(2, 5, 6)
    expected[0, 0:2, 4:6] = 0
    expected[1, 3:5, 1:3] = 0
    assert (omitted == expected[:, None]).all()
    assert (x == 1).all()  # the images themselves are left alone
    assert (block_mask(5, 6, 2, tops, lefts) == (expected == 0)).all()
    assert (omit_block(x, torch.tensor(2.0), tops, lefts) == omitted).all()
    assert (omit_block(x, 0, tops, lefts) == x).all()
    assert (omit_block(x, 6, torch.zeros(2), torch.zeros(2)) == 0).all()
