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

    All of its tensors keep their storage: they are updated in place.

    Args:
        categories: number of categories of each discrete variable.
        device: where the means are kept.
    """

    def __init__(self, categories: Sequence[int], device: torch.device | str = "cpu") -> None:
        self._categories = tuple(categories)
        self._aggregates = [torch.zeros(count, device=device) for count in self._categories]
        self._entropies = [torch.zeros((), device=device) for _ in self._categories]
        self._kl = torch.zeros((), device=device)
        self._alarms: list[str] = [""] * len(self._categories)
        self._share_on = torch.zeros((), device=device)

    @torch.no_grad()
    def take(self, logits: Sequence[Tensor], kl: Tensor, first: bool) -> None:
        """Take a batch into account; it waits for no value.

        Args:
            logits: (B, n_k) of each variable.
            kl: () mean KL_c of the batch.
            first: whether the means start with this batch.
        """
        logs = [F.log_softmax(values.detach(), dim=1) for values in logits]
        aggregates = [values.exp().mean(0) for values in logs]
        entropies = [categorical_entropy(values).mean() for values in logs]
        for mean, value in zip(self._means, [*aggregates, *entropies, kl.detach()], strict=True):
            mean.copy_(value if first else DECAY * mean + (1 - DECAY) * value)

    @property
    def _means(self) -> list[Tensor]:
        return [*self._aggregates, *self._entropies, self._kl]

    def terms(self) -> dict[str, Tensor]:
        """Return ``mutual_information`` and ``usage_entropy`` in nats, sums over the variables, and ``code_collapsed``.

        The last is the share of the variables whose alarm was on after the last look. Without discrete variables there
        are no terms.
        """
        if not self._categories:
            return {}
        information = [mutual_information(a, h) for a, h in zip(self._aggregates, self._entropies, strict=True)]
        usage = [categorical_entropy(aggregate.log()) for aggregate in self._aggregates]
        return {
            "mutual_information": torch.stack(information).sum(),
            "usage_entropy": torch.stack(usage).sum(),
            "code_collapsed": self._share_on.clone(),  # what was returned must not change with the next look
        }

    def look(self, step: int, target: float) -> None:
        """Turn the alarm of each variable on or off, and say so on the console if it changes; it waits for the device.

        Args:
            step: the steps done.
            target: C_c in nats.
        """
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
        self._fill_share()

    def _fill_share(self) -> None:
        if self._alarms:
            self._share_on.fill_(len(self.alarms) / len(self._alarms))

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
        """Take up the state that `state_dict` returned; earlier versions had no means before the first batch."""
        if state["kl"] is not None:
            loaded = [*state["aggregates"], *state["entropies"], state["kl"]]
            for mean, value in zip(self._means, loaded, strict=True):
                mean.copy_(value)
        self._alarms = list(state["alarms"])
        self._fill_share()
