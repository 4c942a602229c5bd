"""The networks of the feature-generating family, all with leaky-ReLU hidden layers of one width.

Source: the released codes of TF-VAEGAN and Bi-VAEGAN; `tests/models/test_feature_gan.py` holds their parameter counts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zsl_runner.models.networks import code_log_variance
from zsl_runner.objectives.fixed_linear import fixed_linear
from zsl_runner.objectives.normalisation import l2_normalised
from zsl_runner.objectives.precision import at_least_fp32


class Generator(nn.Module):
    """G: latent noise and class vector to features, one hidden layer.

    Args:
        latent: width Z of the noise.
        condition: width A of a class vector.
        hidden: width H of the hidden layer.
        features: width D of a feature row.
        output: what follows the last linear map: ``sigmoid`` for features in [0, 1], ``relu`` for non-negative ones,
            ``projection`` onto the sphere of norm ``radius``, ``identity`` for any.
        radius: norm of the rows; used by ``projection`` only.
        slope: of the leaky ReLU.
    """

    def __init__(
        self, latent: int, condition: int, hidden: int, features: int, output: str, radius: float, slope: float
    ) -> None:
        super().__init__()
        self.hidden = nn.Linear(latent + condition, hidden)
        self.output = nn.Linear(hidden, features)
        self.output_mode = output
        self.radius = radius
        self.slope = slope

    def pre_output(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return the (n, H) hidden units of noise (n, Z) and class vectors (n, A)."""
        return F.leaky_relu(self.hidden(torch.cat([z, condition], 1)), self.slope)

    def emit(self, hidden: Tensor) -> Tensor:
        """Return the (n, D) features of hidden units (n, H), in float32."""
        x = at_least_fp32(self.output(hidden))
        if self.output_mode == "sigmoid":
            return torch.sigmoid(x)
        if self.output_mode == "relu":
            return F.relu(x)
        return self.radius * l2_normalised(x, 1) if self.output_mode == "projection" else x

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return (n, D) features of noise (n, Z) and class vectors (n, A)."""
        return self.emit(self.pre_output(z, condition))


class Encoder(nn.Module):
    """E: features and class vector to mean and log-variance of the latent code.

    Args:
        features: width D.
        condition: width A.
        hidden: width H of the hidden layer.
        latent: width Z of the code.
        layers: ``batch_norm`` (Bi-VAEGAN): linear H, batch norm, leaky ReLU; ``two_layer`` (TF-VAEGAN, f-VAEGAN-D2):
            linear H, leaky ReLU, linear 2Z, leaky ReLU. Two linear heads follow.
        slope: of the leaky ReLU.
    """

    def __init__(self, features: int, condition: int, hidden: int, latent: int, layers: str, slope: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(features + condition, hidden)
        self.slope = slope
        self.norm = nn.BatchNorm1d(hidden) if layers == "batch_norm" else None
        self.second = nn.Linear(hidden, 2 * latent) if layers == "two_layer" else None
        last = hidden if self.second is None else 2 * latent
        self.mean = nn.Linear(last, latent)
        self.log_var = nn.Linear(last, latent)

    def forward(self, x: Tensor, condition: Tensor, batches: int = 1) -> tuple[Tensor, Tensor]:
        """Return (n, Z) means and log-variances in float32.

        Args:
            x: (n, D) features.
            condition: (n, A) class vectors.
            batches: the rows are that many batches of equal size, each normalised by its own statistics.
        """
        h: Tensor = self.hidden(torch.cat([x, condition], 1))
        if self.norm is not None:
            h = torch.cat([self.norm(batch) for batch in h.chunk(batches)]) if batches > 1 else self.norm(h)
        h = F.leaky_relu(h, self.slope)
        if self.second is not None:
            h = F.leaky_relu(self.second(h), self.slope)
        return at_least_fp32(self.mean(h)), code_log_variance(self.log_var(h))


class Critic(nn.Module):
    """D, D^u or D^a: a score without bounds, one hidden layer.

    Args:
        inputs: width of what is judged.
        condition: width of the condition beside it; 0 for none.
        hidden: width H of the hidden layer.
        slope: of the leaky ReLU.
    """

    def __init__(self, inputs: int, condition: int, hidden: int, slope: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs + condition, hidden)
        self.output = nn.Linear(hidden, 1)
        self.slope = slope

    def forward(self, x: Tensor, condition: Tensor | None = None, fixed: bool = False) -> Tensor:
        """Return (n,) scores in float32 of rows (n, inputs) under conditions (n, condition).

        Args:
            x: the rows.
            condition: their conditions, if the critic has any.
            fixed: only the rows receive gradients, in less time.
        """
        joined = x if condition is None else torch.cat([x, condition], 1)
        units = F.leaky_relu(_applied(self.hidden, joined, fixed), self.slope)
        return at_least_fp32(_applied(self.output, units, fixed)).squeeze(1)


class Regressor(nn.Module):
    """R: features to a class vector of unit norm, one hidden layer.

    Args:
        features: width D.
        hidden: width H of the hidden layer.
        condition: width A of a class vector.
        slope: of the leaky ReLU.
    """

    def __init__(self, features: int, hidden: int, condition: int, slope: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, hidden)
        self.output = nn.Linear(hidden, condition)
        self.slope = slope

    def units(self, x: Tensor, fixed: bool = False) -> Tensor:
        """Return the (n, H) hidden units of features (n, D)."""
        return F.leaky_relu(_applied(self.hidden, x, fixed), self.slope)

    def emit(self, hidden: Tensor, fixed: bool = False) -> Tensor:
        """Return the (n, A) unit class vectors of hidden units (n, H), in float32."""
        return l2_normalised(at_least_fp32(_applied(self.output, hidden, fixed)), 1)

    def forward(self, x: Tensor, fixed: bool = False) -> Tensor:
        """Return the (n, A) unit class vectors regressed from features (n, D).

        Args:
            x: the features.
            fixed: only the features receive gradients, in less time.
        """
        return self.emit(self.units(x, fixed), fixed)


class Feedback(nn.Module):
    """F: the regressor's hidden units to a correction of the generator's hidden units, two layers of width H.

    Args:
        hidden: width H.
        slope: of the leaky ReLU.
    """

    def __init__(self, hidden: int, slope: float) -> None:
        super().__init__()
        self.first = nn.Linear(hidden, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.slope = slope

    def forward(self, units: Tensor) -> Tensor:
        """Return (n, H) corrections of the regressor's hidden units (n, H)."""
        return F.leaky_relu(self.second(F.leaky_relu(self.first(units), self.slope)), self.slope)


def _applied(layer: nn.Linear, x: Tensor, fixed: bool) -> Tensor:
    y: Tensor = fixed_linear(x, layer.weight, layer.bias) if fixed else layer(x)
    return y
