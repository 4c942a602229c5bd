"""The convolutional networks of JointVAE, weights in torch's default initialisation, no normalisation layers."""

from __future__ import annotations

import itertools
from typing import Final

from torch import Tensor, nn

from zsl_runner.models.segmentation_networks import channels_last

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
