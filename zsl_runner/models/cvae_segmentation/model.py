"""The conditional variational autoencoder of label maps."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zsl_runner.data.pairs.folds import PairShape
from zsl_runner.models.cvae_segmentation.conf import CVAESegmentationConf, EncoderConf, GenerationConf
from zsl_runner.models.networks import Gaussians, code_log_variance, prior_log_variance
from zsl_runner.models.output_prediction import Condition, LabelPredictor, LatentOutputPredictor
from zsl_runner.models.segmentation_networks import (
    LabelCNN,
    channels_last,
    contracting,
    convolution,
    expanding,
    label_classes,
    last,
)
from zsl_runner.objectives.multi_scale import one_hot_map
from zsl_runner.objectives.precision import at_least_fp32
from zsl_runner.streams import Streams


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


class CVAESegmentation(LabelPredictor, LatentOutputPredictor):
    """p(y | x, z) = softmax(f_cnn(x) + f_gen(z)) for each pixel, z a small map of codes drawn from p(z | x, guess).

    Args:
        conf: the model's options.
        shape: sizes of images and label maps.
        streams: the model's generators; ``init`` for the weights.
    """

    def __init__(self, conf: CVAESegmentationConf, shape: PairShape, streams: Streams) -> None:
        super().__init__()
        self.conf = conf
        reduction = conf.encoder.reduction()
        self.classes = label_classes(shape, max(reduction, conf.cnn.contracting.reduction()))
        channels = shape.x[0]
        latent_shape = (conf.latent_channels, shape.y[0] // reduction, shape.y[1] // reduction)
        self.codes = latent_shape[0] * latent_shape[1] * latent_shape[2]
        with streams.initialising():
            self.cnn = LabelCNN(channels, self.classes, conf.cnn, conf.multi_scale)
            self.generation = CodeDecoder(latent_shape, self.classes, conf.generation)
            self.recognition = CodeEncoder(channels + self.classes, conf.latent_channels, conf.encoder)
            guess_channels = self.classes if conf.recurrent else 0
            self.prior_network = (
                CodeEncoder(channels + guess_channels, conf.latent_channels, conf.encoder)
                if conf.prior == "conditional"
                else None
            )

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Return ``generation``, which is everything p(y | x) needs, and ``recognition``."""
        needed = [self.cnn, self.generation, *([self.prior_network] if self.prior_network is not None else [])]
        return {
            "generation": [parameter for part in needed for parameter in part.parameters()],
            "recognition": list(self.recognition.parameters()),
        }

    def condition(self, x: Tensor) -> Condition:
        """Return the logits of the deterministic path, at all its scales."""
        return Condition(x, *self.cnn(x))

    def prior(self, condition: Condition) -> Gaussians:
        """Return p(z | x), seen through the guess softmax(guess_scale f_cnn(x)) if the model is recurrent."""
        x, guess = condition.x, condition.guess
        if self.prior_network is None:
            return Gaussians(x.new_zeros(len(x), self.codes), x.new_zeros(1, self.codes))
        if self.conf.recurrent:
            assert guess is not None
            shares = self.mean_output(self.conf.guess_scale * guess)
            mean, log_var = self.prior_network(x, shares.detach() if self.conf.detach_guess else shares)
        else:
            mean, log_var = self.prior_network(x)
        return Gaussians(mean, prior_log_variance(log_var))

    def posterior(self, x: Tensor, y: Tensor, valid: Tensor | None) -> Gaussians:
        """Return q(z | x, y); a pixel that is not valid has no label there."""
        mean, log_var = self.recognition(x, one_hot_map(y, valid, self.classes, x.dtype))
        return Gaussians(mean, code_log_variance(log_var))

    def generate(self, condition: Condition, z: Tensor) -> Tensor:
        """Return the logits (..., B, K, H, W) of p(y | x, z): the sum of the two paths."""
        assert condition.guess is not None
        logits: Tensor = condition.guess + self.generation(z)
        return logits

    def predict(self, condition: Condition) -> Tensor:
        """Return the logits with the code at the mean of p(z | x)."""
        return self.generate(condition, self.prior(condition).mean)
