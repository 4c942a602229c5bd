"""Builds a stage of a run: the view of its fold that the model reads, model, optimisers, trainer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from zsl_runner.config.registry import built
from zsl_runner.config.schema import RunConfig
from zsl_runner.data.stages import AnyFold
from zsl_runner.data.views import training_as
from zsl_runner.errors import ConfigError
from zsl_runner.models.base import Model
from zsl_runner.streams import Streams, derived_seed
from zsl_runner.training.base import Trainer, TrainingContext
from zsl_runner.training.optimisers import Optimisers
from zsl_runner.training.replay import Capture
from zsl_runner.training.runtime import Runtime
from zsl_runner.training.unregistered import require_registered


@dataclass(frozen=True)
class StageParts:
    """Everything of one stage that holds state.

    Attributes:
        name: a stage's name, see `zsl_runner.data.stages`.
        fold: what it trains on and, if it validates, validates on.
        model: the networks.
        optimisers: one per parameter group.
        streams: random generators.
        trainer: the procedure.
    """

    name: str
    fold: AnyFold
    model: Model
    optimisers: Optimisers
    streams: Streams
    trainer: Trainer

    def state_dict(self) -> dict[str, object]:
        """Return what an exact resume inside the stage needs, beside the loop's own state."""
        return {
            "model": self.model.state_dict(),
            "optimisers": self.optimisers.state_dict(),
            "streams": self.streams.state_dict(),
            "trainer": self.trainer.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, dict[str, object]]) -> list[str]:
        """Take up the state that `state_dict` returned, and return which random streams begin anew; see `Streams`."""
        self.model.load_state_dict(state["model"])
        self.optimisers.load_state_dict(state["optimisers"])
        self.trainer.load_state_dict(state["trainer"])
        return self.streams.load_state_dict(state["streams"])  # type: ignore[arg-type]


def build_stage(config: RunConfig, name: str, fold: AnyFold, runtime: Runtime, trained: bool = False) -> StageParts:
    """Build model, optimisers and trainer for one stage, all randomness derived from ``config.seed`` and the stage.

    Args:
        config: the run's configuration.
        name: the stage's name.
        fold: the stage's data.
        runtime: device and precision.
        trained: nothing is trained any more, so that it does not matter whether every layer is registered.
    """
    data = fold.train
    if config.debug.overfit:
        data = data.limited(config.trainer.batch_rows())
    data = training_as(config.model.reads, data)
    streams = Streams(derived_seed(config.seed, name), runtime.device)
    with streams.initialising():
        model: Model = built(config.model.implementation, config.model, data.shape, streams)
    if not trained and isinstance(model, nn.Module):
        require_registered(model)
    model.to(runtime.device)
    groups = _groups(model)
    settings = {group: conf for group, conf in config.trainer.optimisers().items() if group in groups}
    optimisers = Optimisers({group: groups[group] for group in settings}, settings)
    context = TrainingContext(model=model, data=data, optimisers=optimisers, runtime=runtime, streams=streams)
    trainer: Trainer = built(config.trainer.implementation, config.trainer, context)
    return StageParts(name, fold, model, optimisers, streams, trainer)


def _groups(model: Model) -> Mapping[str, list[nn.Parameter]]:
    if not hasattr(model, "parameter_groups"):
        raise ConfigError(f"{type(model).__name__} is no subclass of zsl_runner.models.base:Model")
    groups: object = model.parameter_groups()
    if not isinstance(groups, Mapping):
        found = type(groups).__name__
        raise ConfigError(f"{type(model).__name__}.parameter_groups returned a {found}, expected lists by name")
    return groups


def capture_of(parts: StageParts) -> Capture | None:
    """Return how steps of the stage are captured; None if its runtime captures none."""
    runtime = parts.trainer.context.runtime
    if not runtime.captures:
        return None
    return Capture(
        parts.streams,
        parts.optimisers,
        always=runtime.conf.capture == "always",
        compiled=runtime.conf.compile,
    )
