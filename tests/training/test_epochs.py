import pytest
from hypothesis import given
from hypothesis import strategies as st

from zsl_runner.training.epochs import EpochClock


@given(length=st.integers(1, 50), ticks=st.integers(0, 200))
def test_epoch_and_step_add_up_to_what_is_done(length, ticks):
    clock = EpochClock(length)
    starts = 0
    for _ in range(ticks):
        starts += clock.between_epochs
        clock.tick()
    assert clock.done == ticks == clock.steps(clock.epoch) + clock.step
    assert 0 <= clock.step < length
    assert starts == -(-ticks // length)


def test_a_clock_goes_on_from_the_steps_that_are_its_state():
    clock, other = EpochClock(3), EpochClock(3)
    for _ in range(7):
        clock.tick()
    other.done = clock.done
    assert (other.epoch, other.step, other.between_epochs) == (2, 1, False)


def test_an_epoch_needs_a_step():
    with pytest.raises(ValueError, match="at least one step, found 0"):
        EpochClock(0)
    assert EpochClock.of_batches(rows=3, batch_size=64).steps_in_epoch == 1
