"""Input-omission noise: sizes, places, and nothing but the inputs."""

import pytest
import torch

from zsl_runner.trainers.predictions import omission


def squares(rate, height=20, width=30, batches=200):
    generator = torch.Generator().manual_seed(0)
    x = torch.ones(4, 3, height, width)
    for _ in range(batches):
        yield omission(x, rate, generator)
    assert (x == 1).all()


def extent(hidden):
    rows, columns = hidden.any(1).nonzero().flatten(), hidden.any(0).nonzero().flatten()
    return rows[0].item(), columns[0].item(), len(rows), len(columns)


def test_one_size_for_a_batch_and_one_place_for_an_image():
    sizes, places = set(), set()
    for x in squares(0.4):
        hidden = x[:, 0] == 0
        assert (x == x[:, :1]).all()
        counts = hidden.flatten(1).sum(1)
        assert len(set(counts.tolist())) == 1
        side = round(counts[0].item() ** 0.5)
        sizes.add(side)
        if side:
            found = [extent(image) for image in hidden]
            assert all((rows, columns) == (side, side) for _, _, rows, columns in found)
            places |= {(top, left, top + side, left + side) for top, left, _, _ in found}
            assert (hidden.flatten(1).sum(1) == side * side).all()
    assert sizes == set(range(9))  # round(20 * U * 0.4): 0 to 8
    tops, lefts, bottoms, rights = zip(*places, strict=True)
    assert (min(tops), min(lefts)) == (0, 0)
    assert (max(bottoms), max(rights)) == (20, 30)


def test_sizes_are_uniform():
    sides = torch.tensor([(x[0, 0] == 0).sum().item() ** 0.5 for x in squares(0.4, batches=2000)])
    counts = torch.bincount(sides.round().long(), minlength=9) / 2000
    expected = torch.tensor([0.5, *[1] * 7, 0.5]) / 8  # rounding gives the two ends half the share
    torch.testing.assert_close(counts, expected, rtol=0, atol=0.03)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_the_ends_of_the_range(rate):
    most = max((x[0, 0] == 0).sum().item() for x in squares(rate, height=6, width=6, batches=60))
    assert most == (0 if rate == 0 else 36)


def test_the_generator_decides():
    x = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    first, again, other = (omission(x, 0.9, torch.Generator().manual_seed(seed)) for seed in (2, 2, 3))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
