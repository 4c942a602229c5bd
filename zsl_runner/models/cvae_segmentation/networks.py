"""Networks of the code: from an image and a label map to a Gaussian, and from a code to logits."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zsl_runner.models.cvae_segmentation.conf import EncoderConf, GenerationConf
from zsl_runner.models.networks import at_least_fp32
from zsl_runner.models.segmentation_networks import channels_last, contracting, convolution, expanding, last


class CodeEncoder(nn.Module):
    """Maps images, perhaps with maps of class probabilities, to what diagonal Gaussians over codes are made of.

    Args:
        channels: of the images and the probabilities together.
        latent_channels: of the code.
        conf: sizes of the layers.
    """

    def __init__(self, channels: int, latent_channels: int, conf: EncoderConf) -> None:
        super().__init__()
        self.trunk = contracting(channels, conf)
        width = last(conf.channels, channels)
        self.mean = convolution(width, latent_channels, conf.latent_kernel, rectified=False)
        self.log_var = convolution(width, latent_channels, conf.latent_kernel, rectified=False)

    def forward(self, *maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and log-variances, not bounded, for maps (B, ..., H, W) laid side by side; codes are flat."""
        trunk = self.trunk(channels_last(torch.cat(maps, 1)))
        return at_least_fp32(self.mean(trunk).flatten(1)), at_least_fp32(self.log_var(trunk).flatten(1))


class CodeDecoder(nn.Module):
    """Maps codes to logits of labels.

    Args:
        latent_shape: (channels, height, width) of a code.
        classes: number K of labels.
        conf: sizes of the layers.
    """

    def __init__(self, latent_shape: tuple[int, int, int], classes: int, conf: GenerationConf) -> None:
        super().__init__()
        self.latent_shape = latent_shape
        self.stages = expanding(latent_shape[0], conf)
        self.head = convolution(last(conf.channels, latent_shape[0]), classes, conf.output_kernel, rectified=False)

    def forward(self, z: Tensor) -> Tensor:
        """Return (..., K, H, W) logits in single precision for flat codes (..., d)."""
        maps = channels_last(z.reshape(-1, *self.latent_shape))
        for stage in self.stages:
            maps = stage(maps)
        logits = at_least_fp32(self.head(maps))
        return logits.reshape(*z.shape[:-1], *logits.shape[1:])
