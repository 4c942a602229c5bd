"""Optimisers by name: ``minimize(loss, "critic")`` moves that group's parameters and touches nothing else.

A step may name several groups; they share one backward pass and keep their own optimisers. Groups may have parameters
in common, as where one network takes part in several games: each then minimises its own loss with its own state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.problems import did_you_mean
from zsl_runner.errors import ConfigError
from zsl_runner.graphs.uncompiled import SGD, Adam, AdamW


def build_optimiser(parameters: list[nn.Parameter], conf: OptimizerConf) -> torch.optim.Optimizer:
    """Return the optimiser of one group; the fused implementation where torch has one for the device.

    On CUDA the learning rate is a tensor on the device, which a captured step reads anew each time.
    """
    on_cuda = parameters[0].is_cuda
    lr: float | Tensor = torch.tensor(conf.lr, device=parameters[0].device) if on_cuda else conf.lr
    if conf.algorithm == "sgd":
        return SGD(parameters, lr=lr, momentum=conf.momentum, weight_decay=conf.weight_decay, fused=True)
    algorithm = Adam if conf.algorithm == "adam" else AdamW
    beta1, beta2 = conf.betas
    return algorithm(
        parameters,
        lr=lr,
        betas=(beta1, beta2),
        eps=conf.eps,
        weight_decay=conf.weight_decay,
        amsgrad=conf.amsgrad,
        fused=True,
        capturable=on_cuda,
    )


def _begin_momenta(optimiser: torch.optim.Optimizer) -> None:
    """Let the momenta of parameters that have a gradient for the first time be zero; torch does so for all or none."""
    for group in optimiser.param_groups:
        for parameter in group["params"] if group.get("momentum") else ():
            if parameter.grad is not None and "momentum_buffer" not in optimiser.state[parameter]:
                optimiser.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)


class Optimisers:
    """The named optimisers of a run.

    Gradients are taken with respect to one group only, so no other group's ``.grad`` ever fills and no
    ``requires_grad`` is toggled.

    Args:
        groups: parameters of each group, all different; two groups may share some if no step names both.
        confs: optimiser settings of each group, under the same names.

    Raises:
        ConfigError: a group is no list of parameters, is empty, or holds one twice.
        ValueError: names differ.
    """

    def __init__(self, groups: Mapping[str, list[nn.Parameter]], confs: Mapping[str, OptimizerConf]) -> None:
        if groups.keys() != confs.keys():
            raise ValueError(f"parameter groups {sorted(groups)} and optimisers {sorted(confs)} differ")
        for name, parameters in groups.items():
            _require_parameters(name, parameters)
        self._members = {name: {id(parameter) for parameter in parameters} for name, parameters in groups.items()}
        self._parameters = dict(groups)
        self._clip = {name: conf.clip_norm for name, conf in confs.items()}
        self._optimisers = {name: build_optimiser(list(groups[name]), conf) for name, conf in confs.items()}
        self.steps = 0

    def minimize(self, loss: Tensor, *names: str) -> None:
        """Take one step of the named groups down the gradient of the scalar ``loss``.

        The gradient is taken once for all of them; clipping is by group. A parameter that does not enter the loss keeps
        its value and its moments.

        Raises:
            ConfigError: a group has no optimiser, or two of the groups have a parameter in common, which would take two
                steps down one gradient.
        """
        self._require(*names)
        parameters = [parameter for name in names for parameter in self._parameters[name]]
        for one, other in combinations(names, 2):
            if not self._members[one].isdisjoint(self._members[other]):
                raise ConfigError(f"{one} and {other} share parameters: give each a loss and a step of its own")
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        self._step(parameters, [None if g is None else g.contiguous() for g in gradients], names)

    def descend(self, name: str, gradients: Sequence[Tensor]) -> None:
        """Take one step of the named group down gradients that were computed elsewhere, e.g. in closed form.

        Args:
            name: the group.
            gradients: one contiguous tensor for each parameter of the group, in its order; they may be reused
                afterwards.
        """
        self._require(name)
        self._step(self._parameters[name], gradients, (name,))

    def restart(self, name: str) -> None:
        """Forget the moments of the named group; between phases only, for a captured step goes on with its own."""
        self._require(name)
        self._optimisers[name].state.clear()

    def set_lr(self, name: str, lr: float) -> None:
        """Change the learning rate of the named group from now on; it is part of the state."""
        self._require(name)
        for group in self._optimisers[name].param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr

    def _require(self, *names: str) -> None:
        for name in names:
            if name not in self._parameters:
                known = f"{', '.join(self._parameters) or 'none'}{did_you_mean(name, self._parameters)}"
                raise ConfigError(
                    f"the group {name!r} of parameters has no optimiser; groups with one: {known}; a group has one if "
                    "the model's parameter_groups() and optimisers() of the trainer's options both name it"
                )

    def _step(
        self, parameters: Sequence[nn.Parameter], gradients: Sequence[Tensor | None], names: Sequence[str]
    ) -> None:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        for name in names:
            limit = self._clip[name]
            if limit is not None:
                nn.utils.clip_grad_norm_(self._parameters[name], limit)
            _begin_momenta(self._optimisers[name])
            self._optimisers[name].step()
        for parameter in parameters:
            parameter.grad = None
        self.steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Return the state of every optimiser and the number of `minimize` calls; learning rates are numbers."""
        states: dict[str, Any] = {name: optimiser.state_dict() for name, optimiser in self._optimisers.items()}
        for state in states.values():
            state["param_groups"] = [{**group, "lr": float(group["lr"])} for group in state["param_groups"]]
        return {"optimisers": states, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned, before the first step."""
        for name, optimiser in self._optimisers.items():
            own = [(group["lr"], group.get("capturable")) for group in optimiser.param_groups]
            optimiser.load_state_dict(state["optimisers"][name])
            for group, (lr, capturable) in zip(optimiser.param_groups, own, strict=True):
                if isinstance(lr, Tensor):
                    group["lr"] = lr.fill_(float(group["lr"]))
                if capturable is not None:
                    group["capturable"] = capturable
        self.steps = state["steps"]


def _require_parameters(name: str, group: object) -> None:
    """Refuse a group of a model's ``parameter_groups()`` that is none, such as an iterator, which is read only once."""
    if not isinstance(group, list | tuple):
        raise ConfigError(f"the group {name!r} of parameters: expected a list, found a {type(group).__name__}")
    if other := [entry for entry in group if not isinstance(entry, nn.Parameter)]:
        raise ConfigError(f"the group {name!r} of parameters holds a {type(other[0]).__name__}")
    if not group:
        raise ConfigError(f"the group {name!r} of parameters is empty")
    if len(set(map(id, group))) < len(group):
        raise ConfigError(f"the group {name!r} of parameters holds one twice")
