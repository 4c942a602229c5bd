"""How the categories of discrete variables are used while training goes on, and whether they have collapsed."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.objectives.capacity import collapsed
from zsl_runner.objectives.joint_code import categorical_entropy, mutual_information

DECAY: Final = 0.98
"""Share of the running means that is kept in a step: they remember about a hundred steps."""

log = logging.getLogger(__name__)


class CodeUsage:
    """Running means of q(c|x), of its entropy and of KL_c, and the alarm made of them.

    Args:
        categories: number of categories of each discrete variable.
    """

    def __init__(self, categories: Sequence[int]) -> None:
        self._categories = tuple(categories)
        self._aggregates: list[Tensor] = []
        self._entropies: list[Tensor] = []
        self._kl: Tensor | None = None
        self._alarms: list[str] = [""] * len(self._categories)

    @torch.no_grad()
    def take(self, logits: Sequence[Tensor], kl: Tensor) -> None:
        """Take a batch into account.

        Args:
            logits: (B, n_k) of each variable.
            kl: () mean KL_c of the batch.
        """
        logs = [F.log_softmax(values.detach(), dim=1) for values in logits]
        aggregates = [values.exp().mean(0) for values in logs]
        entropies = [categorical_entropy(values).mean() for values in logs]
        if self._kl is None:
            self._aggregates, self._entropies, self._kl = aggregates, entropies, kl.detach()
            return
        self._aggregates = [DECAY * a + (1 - DECAY) * b for a, b in zip(self._aggregates, aggregates, strict=True)]
        self._entropies = [DECAY * a + (1 - DECAY) * b for a, b in zip(self._entropies, entropies, strict=True)]
        self._kl = DECAY * self._kl + (1 - DECAY) * kl.detach()

    def terms(self) -> dict[str, Tensor]:
        """Return ``mutual_information`` and ``usage_entropy`` in nats, sums over the variables, and ``code_collapsed``.

        The last is the share of the variables whose alarm is on.
        """
        if not self._aggregates:
            return {}
        information = [mutual_information(a, h) for a, h in zip(self._aggregates, self._entropies, strict=True)]
        usage = [categorical_entropy(aggregate.log()) for aggregate in self._aggregates]
        on = sum(map(bool, self._alarms)) / len(self._alarms)
        return {
            "mutual_information": torch.stack(information).sum(),
            "usage_entropy": torch.stack(usage).sum(),
            "code_collapsed": usage[0].new_tensor(on),
        }

    def look(self, step: int, target: float) -> None:
        """Turn the alarm of each variable on or off, and say so on the console if it changes.

        Args:
            step: the steps done.
            target: C_c in nats.
        """
        if self._kl is None:
            return
        kl = float(self._kl)
        for place, (count, aggregate) in enumerate(zip(self._categories, self._aggregates, strict=True)):
            entropy = float(categorical_entropy(aggregate.log()))
            before = self._alarms[place]
            if not collapsed(entropy, count, kl, target):
                if before:
                    log.warning("collapse alarm over, step %d: discrete variable %d is in use again", step, place + 1)
                self._alarms[place] = ""
                continue
            share = f"{100 * float(aggregate.max()):.0f} % of the images have category {int(aggregate.argmax())}"
            self._alarms[place] = (
                f"discrete variable {place + 1} has collapsed: KL_c {kl:.3f} meets its capacity of {target:.3f} nats, "
                f"but {share} (entropy of the usage {entropy:.3f} of {math.log(count):.3f} nats); the code tells next "
                "to nothing. Try another seed, a longer rise of the capacities (trainer.iters) or a smaller gamma_c"
            )
            if not before:
                log.warning("COLLAPSE ALARM, step %d: %s", step, self._alarms[place])

    @property
    def alarms(self) -> list[str]:
        """The alarms that are on, in words."""
        return [alarm for alarm in self._alarms if alarm]

    def state_dict(self) -> dict[str, Any]:
        """Return the running means and the alarms."""
        return {
            "aggregates": self._aggregates,
            "entropies": self._entropies,
            "kl": self._kl,
            "alarms": list(self._alarms),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self._aggregates = list(state["aggregates"])
        self._entropies = list(state["entropies"])
        self._kl = state["kl"]
        self._alarms = list(state["alarms"])
