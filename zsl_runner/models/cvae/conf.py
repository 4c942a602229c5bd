"""Options of the conditional variational autoencoder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.vocabulary import Capability
from zsl_runner.models.network_conf import OutputConf


@dataclass
class CVAEConf(OutputConf):
    """Recognition, prior and generation networks, with or without an initial guess of the output."""

    implementation: ClassVar[str] = "zsl_runner.models.cvae.model:CVAE"
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {Capability.PREDICT_OUTPUT, Capability.LATENT_OUTPUT, Capability.SYNTHESIZE}
    )

    kind: str = option("cvae", "the implementation; fixed by the file chosen in the group")
    name: str = option("cvae", "the label in directories, tables and TensorBoard")
    latent_dim: int = option(200, "width d of the latent space", low=1)
    prior: str = option(
        "conditional",
        "conditional: p(z | x) from a network; standard: N(0, I) for every input (a footnote of the paper)",
        choices=("conditional", "standard"),
    )
    gen_sees_x: bool = option(True, "whether the generation network sees the input beside the code")
    recurrent: bool = option(True, "whether a deterministic network first guesses the output")
    guess_scale: float = option(
        2.0,
        "factor of the guess's logits on their way to the prior network; 2 makes up for the missing other summand in "
        "the official code, where guess and generation are added",
        low=0.0,
        above=True,
    )
    detach_guess: bool = option(
        False, "cut the gradient from the prior network into the guess; the official code does not"
    )
    add_guess: bool = option(
        True, "add the guess's logits to those of the generation network (official code); Pyro's example does not"
    )
    guess_weight: float = option(
        0.0, "weight of the guess's own negative log-likelihood in the loss; the official code has none at full scale",
        low=0.0,
    )  # fmt: skip

    def problems(self) -> Iterable[Problem]:
        """Yield options without effect, and a generation network that cannot know its input."""
        yield from super().problems()
        if not self.recurrent:
            defaults = {"guess_scale": 2.0, "detach_guess": False, "guess_weight": 0.0}
            for key, default in defaults.items():
                if getattr(self, key) != default:
                    yield Problem(key, "has no effect with recurrent=false: there is no guess")
        if self.prior == "standard" and self.detach_guess:
            yield Problem("detach_guess", "has no effect with prior=standard: no network sees the guess")
        learns = self.add_guess or self.guess_weight or (self.prior == "conditional" and not self.detach_guess)
        if self.recurrent and not learns:
            yield Problem("recurrent", "the guess would never learn; use add_guess=true or give it a guess_weight")
        elif self.recurrent and self.prior == "standard" and not self.add_guess:
            yield Problem("recurrent", "nothing would see the guess; use add_guess=true or prior=conditional")
        if self.prior == "standard" and not self.gen_sees_x and not (self.recurrent and self.add_guess):
            yield Problem("gen_sees_x", "nothing of p(y | x) would depend on x; use gen_sees_x=true")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect without a guess, or without a network that sees it."""
        yield from super().idle_options()
        if not self.recurrent:
            yield from idle("recurrent=false", "add_guess")
        if self.prior == "standard":
            yield from idle("prior=standard", "guess_scale")
