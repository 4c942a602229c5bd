"""Sums of loss terms since the last row of scalars; they stay on the device until somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from zsl_runner.errors import RunError


def require_one_number(name: str, term: object) -> None:
    """Refuse a term that is no tensor of one number, such as one that was not averaged over rows.

    Raises:
        RunError: naming it.
    """
    if not isinstance(term, Tensor) or term.numel() != 1:
        what = f"one of shape {tuple(term.shape)}" if isinstance(term, Tensor) else f"a {type(term).__name__}"
        raise RunError(f"term {name} of the loss: expected a tensor of one number, found {what}")


class TermSums:
    """Adds up the named terms of steps.

    `add` is the device's part and may be repeated without Python, `count` is the host's.

    Attributes:
        counts: by term the steps that had it since the last `clear`, for a term need not be one of every step.

    >>> sums = TermSums()
    >>> for terms in ({"loss": torch.tensor(1.0)}, {"loss": torch.tensor(2.0), "kl": torch.tensor(5.0)}):
    ...     sums.add(terms)
    ...     sums.count(terms)
    >>> sums.values(), sums.counts
    ({'loss': 3.0, 'kl': 5.0}, {'loss': 2, 'kl': 1})
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}

    @torch.no_grad()
    def add(self, terms: Mapping[str, Tensor]) -> None:
        """Add scalars in place, in single precision at least; only a name that is new makes a tensor."""
        for name, term in terms.items():
            if name not in self._sums:
                require_one_number(name, term)
                self._sums[name] = torch.zeros_like(term, dtype=torch.promote_types(term.dtype, torch.float32))
        if terms:
            torch._foreach_add_([self._sums[name] for name in terms], list(terms.values()))

    def count(self, names: Iterable[str]) -> None:
        """Count a step that had the terms of these names."""
        for name in names:
            self.counts[name] = self.counts.get(name, 0) + 1

    def values(self) -> dict[str, float]:
        """Return the sums of the terms counted, in one transfer from the device."""
        sums = [self._sums[name].double().flatten() for name in self.counts]
        return dict(zip(self.counts, torch.cat(sums).tolist(), strict=True)) if sums else {}

    def clear(self) -> None:
        """Begin anew, in the same tensors."""
        for total in self._sums.values():
            total.zero_()
        self.counts = {}

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of the sums of the terms counted."""
        return {name: self._sums[name].clone() for name in self.counts}

    def load_state_dict(self, sums: Mapping[str, Tensor], counts: Mapping[str, int] | int) -> None:
        """Take up sums and of how many steps each is; earlier versions kept one number for all of them."""
        self.clear()
        self._sums |= {name: total.clone() for name, total in sums.items()}
        self.counts = dict.fromkeys(sums, counts) if isinstance(counts, int) else dict(counts)
