import pytest
import torch

from tests.training.emulated_graph import EmulatedGraph
from zsl_runner.data.rows import EpochSampler, distinct_positions, likely_positions


def sampler(count=10, seed=0):
    return EpochSampler(count, torch.Generator().manual_seed(seed))


def test_an_epoch_holds_every_row_once():
    draws = sampler()
    epoch = torch.cat([draws.draw(2) for _ in range(5)])
    assert sorted(epoch.tolist()) == list(range(10))


def test_the_tail_is_dropped_and_a_batch_never_repeats_a_row():
    draws = sampler()
    for _ in range(50):
        batch = draws.draw(4)
        assert len(batch) == 4
        assert len(set(batch.tolist())) == 4


def test_a_batch_is_at_most_the_data():
    assert sorted(sampler(3).draw(64).tolist()) == [0, 1, 2]
    assert len(sampler(3).draw(0)) == 0


def test_state_continues_inside_an_epoch():
    generator = torch.Generator().manual_seed(1)
    first = EpochSampler(10, generator)
    first.draw(3)
    state, random = first.state_dict(), generator.get_state()
    expected = [first.draw(3) for _ in range(6)]
    second = sampler(seed=7)
    second._generator.set_state(random)
    second.load_state_dict(state)
    assert all(torch.equal(a, second.draw(3)) for a in expected)


def test_no_rows():
    with pytest.raises(ValueError, match="at least one row"):
        sampler(0)


@pytest.mark.parametrize(("count", "size"), [(10, 10), (60, 8), (500, 16)])
def test_distinct_positions_are_uniform_without_repetition(count, size):
    batches = 4000
    drawn = distinct_positions(count, size, batches, torch.Generator().manual_seed(3))
    assert drawn.shape == (batches, size)
    assert all(len(set(batch)) == size for batch in drawn.tolist())
    shares = torch.bincount(drawn.flatten(), minlength=count) / batches
    expected = size / count
    assert (shares - expected).abs().max() <= 5 * (expected * (1 - expected) / batches) ** 0.5


def test_every_ordered_batch_is_equally_likely():
    drawn = distinct_positions(4, 2, 24_000, torch.Generator().manual_seed(3))
    counts = torch.bincount(drawn[:, 0] * 4 + drawn[:, 1], minlength=16).reshape(4, 4)
    assert counts.diagonal().sum() == 0
    off = counts[~torch.eye(4, dtype=torch.bool)]
    assert (off - 2000).abs().max() < 5 * 2000**0.5


@pytest.mark.parametrize("size", [0, 11])
def test_more_positions_than_rows_cannot_differ(size):
    with pytest.raises(ValueError, match="different rows of 10"):
        distinct_positions(10, size, 1, torch.Generator())


@pytest.mark.parametrize("count", [1, 2, 5])
def test_likely_positions_are_drawn_as_often_as_said_and_can_be_captured(count):
    probability, generator = torch.tensor([0.1, 0.0, 0.6, 0.3]), torch.Generator().manual_seed(3)
    captured = EmulatedGraph().capture(lambda: likely_positions(probability, count, generator), [generator])
    assert captured.shape == (count,)
    drawn = torch.cat([likely_positions(probability, count, generator) for _ in range(4000)])
    shares = torch.bincount(drawn, minlength=4) / len(drawn)
    assert (shares - probability).abs().max() < 0.03
