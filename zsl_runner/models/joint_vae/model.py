r"""JointVAE (Dupont, NeurIPS 2018): continuous and discrete latent variables, disentangled by their capacities.

.. math:: q(z, c | x) = q(z | x) \prod_k q(c_k | x), \qquad p(z) = N(0, I), \quad p(c_k) \text{ uniform}

Grey values in 0..1 are Bernoulli probabilities. What is minimised is the trainer's: `zsl_runner.trainers.capacity`.
"""

from __future__ import annotations

import itertools
from typing import Final

import torch
from torch import Tensor, nn

from zsl_runner.data.images.folds import ImageShape
from zsl_runner.errors import ConfigError
from zsl_runner.models.joint_code import JointCodeModel, JointPosterior
from zsl_runner.models.joint_vae.conf import SIDES, JointVAEConf
from zsl_runner.models.networks import code_log_variance
from zsl_runner.models.segmentation_networks import channels_last
from zsl_runner.objectives.likelihood import bernoulli_log_likelihood
from zsl_runner.objectives.precision import at_least_fp32
from zsl_runner.streams import Streams

HIDDEN: Final = 256
CHANNELS: Final = 64
GRID: Final = 4
"""Side of the maps between convolutions and linear layers."""


def halving(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a convolution that halves the side."""
    return nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1)


def doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """Return a transposed convolution that doubles the side."""
    return nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1)


class Encoder(nn.Module):
    """From images to the parameters of all latent variables.

    Both networks have torch's default initialisation and no normalisation layers.

    Args:
        channels: of the images.
        side: 32 or 64 pixels.
        outputs: number of parameters.
    """

    def __init__(self, channels: int, side: int, outputs: int) -> None:
        super().__init__()
        widths = [channels, 32, *([32] if side == 64 else []), 64, CHANNELS]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [halving(before, after), nn.ReLU(inplace=True)]
        self.convolutions = nn.Sequential(*layers)
        self.hidden = nn.Sequential(nn.Linear(CHANNELS * GRID * GRID, HIDDEN), nn.ReLU(inplace=True))
        # The official code has one linear map for each variable; side by side they are one, drawn from the same law.
        self.heads = nn.Linear(HIDDEN, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs) for images (B, C, H, W)."""
        maps = self.convolutions(channels_last(x))
        parameters: Tensor = self.heads(self.hidden(maps.flatten(1)))
        return parameters


class Decoder(nn.Module):
    """From codes to logits of grey values.

    Args:
        channels: of the images.
        side: 32 or 64 pixels.
        inputs: width of a code.
    """

    def __init__(self, channels: int, side: int, inputs: int) -> None:
        super().__init__()
        self.hidden = nn.Sequential(
            nn.Linear(inputs, HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(HIDDEN, CHANNELS * GRID * GRID),
            nn.ReLU(inplace=True),
        )
        widths = [CHANNELS, *([64] if side == 64 else []), 32, 32]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [doubling(before, after), nn.ReLU(inplace=True)]
        self.convolutions = nn.Sequential(*layers, doubling(32, channels))

    def forward(self, code: Tensor) -> Tensor:
        """Return (B, C, H, W) logits for codes (B, inputs)."""
        maps = self.hidden(code).unflatten(1, (CHANNELS, GRID, GRID))
        logits: Tensor = self.convolutions(channels_last(maps))
        return logits


class JointVAE(JointCodeModel):
    """Networks ``encoder`` and ``decoder``.

    Args:
        conf: the latent variables.
        shape: sizes of the images.
        streams: ``init`` for the weights.

    Raises:
        ConfigError: the images have another size than the networks take.
    """

    def __init__(self, conf: JointVAEConf, shape: ImageShape, streams: Streams) -> None:
        super().__init__()
        if shape.height != shape.width or shape.height not in SIDES:
            raise ConfigError(
                f"model=joint_vae takes images of 32 x 32 or 64 x 64 pixels, found {shape.width} x {shape.height}; "
                "resize them with dataset.side=32"
            )
        self.conf = conf
        self.continuous = conf.continuous
        self.categories = tuple(conf.discrete)
        self.image = (shape.channels, shape.height, shape.width)
        self.temperature = conf.temperature
        self.hard = conf.hard
        width = conf.continuous + sum(self.categories)
        with streams.initialising():
            self.encoder = Encoder(shape.channels, shape.height, conf.continuous + width)
            self.decoder = Decoder(shape.channels, shape.height, width)

    def posterior(self, x: Tensor) -> JointPosterior:
        """Return q(z, c | x)."""
        parameters = at_least_fp32(self.encoder(x))
        sizes = [self.continuous, self.continuous, *self.categories]
        mean, log_var, *logits = torch.split(parameters, sizes, dim=1)
        return JointPosterior(mean, code_log_variance(log_var), tuple(logits))

    def decode(self, code: Tensor) -> Tensor:
        """Return logits of the grey values."""
        return at_least_fp32(self.decoder(code))

    def reconstruction(self, x: Tensor, logits: Tensor) -> Tensor:
        """Return the cross-entropies; those of a colour image are averaged over its channels unless configured."""
        likelihood = bernoulli_log_likelihood(logits, x)
        channels = self.image[0] if self.conf.recon_scale == "official" else 1
        return -likelihood / channels
