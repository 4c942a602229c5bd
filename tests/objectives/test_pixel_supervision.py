"""The loss of pixels: closed forms, pixels that do not count, gradients."""

import math

import torch
from torch.nn import functional as F

from zsl_runner.objectives.pixel_supervision import pixel_loss


def drawn(classes=4):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, classes, 3, 5, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (2, 3, 5), generator=generator)
    return logits, labels, torch.rand(2, 3, 5, generator=generator) < 0.6


def test_closed_forms():
    _, labels, valid = drawn()
    uniform = pixel_loss(torch.full((2, 4, 3, 5), 7.0), labels, valid)
    torch.testing.assert_close(uniform, torch.tensor(math.log(4)))
    right = 50 * F.one_hot(labels, 4).movedim(-1, 1).float()
    assert pixel_loss(right, labels, valid) < 1e-6
    torch.testing.assert_close(pixel_loss(-right, labels, valid), torch.tensor(50 + math.log(3)))


def test_it_is_the_mean_over_pixels_that_count_of_the_whole_batch():
    logits, labels, valid = drawn()
    valid[0, 1:] = False  # images with few such pixels count less
    expected = F.cross_entropy(logits, torch.where(valid, labels, 255), ignore_index=255)
    torch.testing.assert_close(pixel_loss(logits, torch.where(valid, labels, 255), valid), expected)
    assert pixel_loss(logits, labels, torch.zeros_like(valid)) == 0


def test_gradients():
    logits, labels, valid = drawn()
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: pixel_loss(x, labels, valid), logits)
    pixel_loss(logits, labels, valid).backward()
    assert (logits.grad.abs().sum(1) > 0).equal(valid)
