"""Steps counted by epochs."""

from __future__ import annotations


class EpochClock:
    """Tells a trainer whose schedules go by epochs where it is; ticked after every step.

    Args:
        steps_in_epoch: steps of an epoch, at least one.

    Attributes:
        steps_in_epoch: the same.
        done: steps done; all of the clock's state.

    Raises:
        ValueError: an epoch without steps.

    >>> clock = EpochClock(2)
    >>> seen = []
    >>> for _ in range(3):
    ...     seen.append((clock.epoch, clock.step, clock.between_epochs))
    ...     clock.tick()
    >>> seen
    [(0, 0, True), (0, 1, False), (1, 0, True)]
    """

    def __init__(self, steps_in_epoch: int) -> None:
        if steps_in_epoch < 1:
            raise ValueError(f"an epoch needs at least one step, found {steps_in_epoch}")
        self.steps_in_epoch = steps_in_epoch
        self.done = 0

    @classmethod
    def of_batches(cls, rows: int, batch_size: int) -> EpochClock:
        """Return the clock of epochs of full batches: one step at least, a last batch that is not full left out.

        >>> [EpochClock.of_batches(rows, 10).steps_in_epoch for rows in (9, 10, 29, 30)]
        [1, 1, 2, 3]
        """
        return cls(max(1, rows // batch_size))

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.done // self.steps_in_epoch

    @property
    def step(self) -> int:
        """Steps done in the current epoch."""
        return self.done % self.steps_in_epoch

    @property
    def between_epochs(self) -> bool:
        """Whether an epoch is over, or nothing begun: the next step is the first of an epoch."""
        return self.step == 0

    def steps(self, epochs: int) -> int:
        """Return the steps of so many epochs."""
        return epochs * self.steps_in_epoch

    def tick(self) -> None:
        """Count a step."""
        self.done += 1
