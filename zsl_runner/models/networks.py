"""Multilayer perceptrons whose dropout can be chosen on its own, and the Gaussians their outputs stand for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from zsl_runner.errors import DataError, NonFiniteError
from zsl_runner.graphs.uncompiled import uncompiled
from zsl_runner.models.network_conf import BlockConf, HiddenConf
from zsl_runner.objectives.gaussian import bounded_log_variance
from zsl_runner.objectives.precision import at_least_fp32
from zsl_runner.streams import Streams


class Dropout(nn.Module):
    """Inverted dropout that draws its mask from ``streams["dropout"]``; torch's own knows only the global generator.

    Args:
        rate: share of entries set to zero, 0 <= rate < 1; the attribute may be changed at any time.
        streams: the model's generators.

    Attributes:
        generator: draws the masks instead of ``streams["dropout"]`` while it is set; see `dropout_on`.
    """

    def __init__(self, rate: float, streams: Streams) -> None:
        super().__init__()
        self.rate = rate
        self._streams = streams
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with a share ``rate`` of its entries zero and the others divided by 1 - rate."""
        if not self.training or self.rate == 0.0:
            return x
        mask: Tensor = self._mask(x)
        return x * mask

    @uncompiled
    def _mask(self, x: Tensor) -> Tensor:
        generator = self._streams["dropout"] if self.generator is None else self.generator
        keep = 1.0 - self.rate
        drawn = torch.rand(x.shape, generator=generator, device=x.device)
        return drawn.lt_(keep).to(x.dtype).mul_(1.0 / keep)

    def extra_repr(self) -> str:
        """Return the rate, for printing the network."""
        return f"rate={self.rate:g}"


def finite(what: str, values: Tensor, remedy: str = "") -> Tensor:
    """Return ``values`` unchanged if all of them are finite.

    A NaN that reaches an argmax or a comparison becomes a decision like any other, and chance-level metrics follow. So
    whatever decides takes its scores, weights and codes through here, once for each block.

    Args:
        what: the values in words, plural, e.g. ``class scores``.
        values: a tensor of any shape.
        remedy: what to do about it, if more is known than that a network has diverged.

    Raises:
        NonFiniteError: naming ``what`` and how many of the values are not finite.
    """
    found = values.isfinite()
    if bool(found.all()):
        return values
    bad = int((~found).sum())
    hint = remedy or "the model has diverged: lower its learning rate, clip gradients, or scale the features"
    raise NonFiniteError(f"{what}: {bad:,} of {values.numel():,} are NaN or infinite; {hint}")


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put ``module`` into inference mode (running statistics, no dropout) and each of its parts back afterwards."""
    trained = [part for part in module.modules() if part.training]
    for part in trained:
        part.training = False
    try:
        yield
    finally:
        for part in trained:
            part.training = True


def require_normalisable(module: nn.Module, rows: int, what: str, remedy: str) -> None:
    """Refuse batches of one row for a batch norm in ``module``, which needs a deviation.

    Args:
        module: the networks.
        rows: how many there are to draw batches from.
        what: these rows in words, e.g. ``training``.
        remedy: the option without batch norm, for the message.

    Raises:
        DataError: there is a single row, and a batch norm.
    """
    if rows < 2 and any(isinstance(part, nn.BatchNorm1d) for part in module.modules()):
        raise DataError(
            f"batch norm needs batches of two rows or more; found {rows} {what} row in this stage: get more, or choose "
            f"{remedy}"
        )


def freeze_statistics(module: nn.Module) -> None:
    """Let batch norm in ``module`` scale by its running statistics and leave them alone, until ``module.train()``."""
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.eval()


def has_initial_statistics(module: nn.Module) -> bool:
    """Tell whether there is batch norm in ``module`` and all its running means are 0 and its variances 1."""
    counted = [
        (part.running_mean, part.running_var)
        for part in module.modules()
        if isinstance(part, nn.modules.batchnorm._BatchNorm)
    ]
    kept = [(mean, variance) for mean, variance in counted if mean is not None and variance is not None]
    return bool(kept) and all(bool((mean == 0).all() and (variance == 1).all()) for mean, variance in kept)


@contextmanager
def dropout_on(module: nn.Module, generator: torch.Generator) -> Iterator[None]:
    """Monte-Carlo dropout: inference mode except for dropout, whose masks come from ``generator``.

    Batch norm stays on its running statistics and does not update them.
    """
    with evaluating(module):
        dropouts = [part for part in module.modules() if isinstance(part, Dropout)]
        for part in dropouts:
            part.training, part.generator = True, generator
        try:
            yield
        finally:
            for part in dropouts:
                part.training, part.generator = False, None


@contextmanager
def statistics_kept(module: nn.Module) -> Iterator[None]:
    """Let batch norm normalise by the batch in training mode, as usual, but leave its running statistics alone."""
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm1d) and part.track_running_stats]
    for part in norms:
        part.track_running_stats = False
    try:
        yield
    finally:
        for part in norms:
            part.track_running_stats = True


def geometric_widths(first: int, last: int, layers: int) -> list[int]:
    """Return the layer widths that lead from ``first`` inputs to ``last`` outputs by one constant ratio.

    Layer i < n has floor(first * r^i) units with r = (last / first)^(1/n); the product is kept unrounded.

    Source: the prior network of the code released with SGAL.

    >>> geometric_widths(85, 64, 6)
    [81, 77, 73, 70, 67, 64]
    """
    ratio = (last / first) ** (1 / layers)
    widths, width = [], float(first)
    for _ in range(layers - 1):
        width *= ratio
        widths.append(max(1, math.floor(width)))
    return [*widths, last]


def mlp(widths: Sequence[int], conf: HiddenConf, blocks: BlockConf, streams: Streams) -> nn.Sequential:
    """Build hidden blocks and a final linear map without activation.

    Args:
        widths: of the input, the hidden layers and the output.
        conf: dropout, batch norm and the order within a hidden block.
        blocks: slope and batch-norm settings.
        streams: where dropout draws.
    """
    layers: list[nn.Module] = []
    *hidden, outputs = widths[1:]
    for inputs, width in zip(widths, hidden, strict=False):
        norm = [nn.BatchNorm1d(width, blocks.norm_eps, blocks.norm_momentum)] if conf.batch_norm else []
        activation, dropout = nn.LeakyReLU(blocks.slope), Dropout(conf.dropout, streams)
        if conf.order == "activation_norm_dropout":
            after = [activation, *norm, dropout]
        else:
            after = [*norm, dropout, activation]
        layers += [nn.Linear(inputs, width), *after]
    return nn.Sequential(*layers, nn.Linear(widths[-2], outputs))


def initialise_glorot(module: nn.Module, gain: float = 1.0) -> None:
    """Give every linear map Glorot-uniform weights, times ``gain``, and zero biases, drawn from torch's generator.

    Call it inside `Streams.initialising`, which seeds that generator and puts its state back.
    """
    _initialise(module, lambda weight: nn.init.xavier_uniform_(weight, gain))


def initialise_uniform(module: nn.Module, half_width: float) -> None:
    """Give every linear map weights uniform in [-half_width, half_width] and zero biases; see `initialise_glorot`."""
    _initialise(module, lambda weight: nn.init.uniform_(weight, -half_width, half_width))


def initialise_normal(module: nn.Module, deviation: float) -> None:
    """Give every linear map weights from N(0, deviation^2) and zero biases; see `initialise_glorot`."""
    _initialise(module, lambda weight: nn.init.normal_(weight, 0.0, deviation))


def _initialise(module: nn.Module, draw: Callable[[Tensor], Tensor]) -> None:
    for part in module.modules():
        if isinstance(part, nn.Linear):
            draw(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


class Gaussians(NamedTuple):
    """Diagonal Gaussians, one for each row.

    Attributes:
        mean: (n, d).
        log_var: (n, d), or (1, d) if all rows share it.
    """

    mean: Tensor
    log_var: Tensor


def code_log_variance(output: Tensor) -> Tensor:
    """Return the log-variances of codes that a network's ``output`` stands for: single precision, bounded."""
    return bounded_log_variance(at_least_fp32(output))


def prior_log_variance(output: Tensor) -> Tensor:
    """Return the log-variances of priors that a network's ``output`` stands for.

    Bounded as those of codes, with the sign turned: it is small variances of a prior that divergences explode of.
    """
    return -bounded_log_variance(-at_least_fp32(output))
