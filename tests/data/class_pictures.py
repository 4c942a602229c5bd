"""JPEGs in folders that are called by colours, tiny networks and encoders for them."""

import os
import signal
from typing import ClassVar

import numpy as np
import torch
from PIL import Image, ImageColor
from torch import nn

COLOURS = (
    "crimson",
    "gold",
    "indigo",
    "lime",
    "maroon",
    "navy",
    "orchid",
    "salmon",
    "teal",
    "tomato",
    "white",
    "black",
)
HERE = "tests.data.class_pictures"


def write_pictures(folder, classes=COLOURS, count=5, side=40):
    """Write ``count`` noisy JPEGs of different proportions for each colour."""
    draw = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(count):
            shape = (side + 7 * (number % 3), side + 5 * (number % 2), 3)
            noisy = ImageColor.getrgb(name) + draw.normal(0, 40, shape)
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / name / f"{number}.jpg", quality=95)
    return folder


class Tiny(nn.Module):
    """Averages of a convolution with fixed weights.

    Attributes:
        batches: shapes of the batches seen by all networks of this class.
    """

    batches: ClassVar[list] = []

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2)
        values = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for weight in self.conv.parameters():
                weight.copy_(torch.randn(weight.shape, generator=values))

    def forward(self, pixels):
        self.batches.append(tuple(pixels.shape))
        if len(self.batches) > int(os.environ.get("TINY_DIES_AFTER", "1000000")):
            os.kill(os.getpid(), signal.SIGKILL)
        return self.conv(pixels).relu().mean(dim=(2, 3))


def tiny(weights=None):
    network = Tiny()
    if weights is not None:
        network.load_state_dict(torch.load(weights, weights_only=True))
    return network


def with_dropout():
    """A network that gives other features while it is not in evaluation mode."""
    return nn.Sequential(Tiny(), nn.Dropout(0.5))


def map_of_places():
    return nn.Conv2d(3, 2, 1)


def not_a_number():
    class Broken(Tiny):
        def forward(self, pixels):
            features = super().forward(pixels)
            return torch.where(features[:, :1] > features[:, :1].median(), torch.nan, features)

    return Broken()


def infinite_on_black():
    class Blind(Tiny):
        def forward(self, pixels):
            features = super().forward(pixels)
            features[pixels.amax((1, 2, 3)) < -1, 3] = torch.inf  # black is 0 before it is normalised: about -2
            return features

    return Blind()


def no_network():
    return 3


def failing():
    raise ValueError("no such layer")


def colours():
    """Return an encoder of texts that are names of colours."""

    def encode(texts):
        shares = np.array([ImageColor.getrgb(text) for text in texts]) / 255
        return np.hstack([shares, 1 - shares, shares**2, np.ones((len(texts), 1))])

    return encode


def lengths():
    """Return an encoder with the length of a text in its direction."""
    return lambda texts: torch.tensor([[float(len(text)), 1.0] for text in texts])


def zeros():
    return lambda texts: np.zeros((len(texts), 3))
