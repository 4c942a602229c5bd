"""The reconstruction and regression losses under the names a model's configuration gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor

from zsl_runner.objectives.attribute_regression import mean_squared_error, self_weighted_error
from zsl_runner.objectives.gaussian import squared_error
from zsl_runner.objectives.reconstruction import cross_entropy_per_row, twice_averaged_squared_error

Loss = Callable[[Tensor, Tensor], Tensor]


def _squared(reconstruction: Tensor, x: Tensor) -> Tensor:
    return squared_error(x, reconstruction)


RECONSTRUCTIONS: Mapping[str, Loss] = {
    "bce": cross_entropy_per_row,
    "squared": _squared,
    "squared_published": twice_averaged_squared_error,
}
REGRESSION_LOSSES: Mapping[str, Loss] = {
    "weighted": self_weighted_error,
    "mse": mean_squared_error,
    "mse_published": partial(mean_squared_error, batch_divided_twice=True),
}
