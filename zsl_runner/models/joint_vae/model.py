r"""JointVAE (Dupont, NeurIPS 2018): continuous and discrete latent variables, disentangled by their capacities.

.. math:: q(z, c | x) = q(z | x) \prod_k q(c_k | x), \qquad p(z) = N(0, I), \quad p(c_k) \text{ uniform}

Grey values in 0..1 are Bernoulli probabilities. What is minimised is the trainer's: `zsl_runner.trainers.capacity`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_runner.data.images.folds import ImageShape
from zsl_runner.errors import ConfigError
from zsl_runner.models.gaussians import code_log_variance
from zsl_runner.models.joint_code import JointCodeModel, JointPosterior
from zsl_runner.models.joint_vae.conf import SIDES, JointVAEConf
from zsl_runner.models.joint_vae.networks import Decoder, Encoder
from zsl_runner.models.networks import at_least_fp32
from zsl_runner.objectives.likelihood import bernoulli_log_likelihood
from zsl_runner.streams import Streams


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
