"""The feature-generating family: its networks, what they generate, and what a final classifier sees of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.errors import ConfigError
from zsl_runner.models.base import FeatureGenerator
from zsl_runner.models.feature_gan.conf import FeatureGANConf
from zsl_runner.models.feature_gan.networks import Critic, Encoder, Feedback, Generator, Regressor
from zsl_runner.models.networks import initialise_normal
from zsl_runner.objectives.gaussian import reparameterise
from zsl_runner.objectives.perturbation import perturbed
from zsl_runner.objectives.precision import at_least_fp32
from zsl_runner.streams import Streams

NETWORKS = ("encoder", "generator", "critic", "unseen_critic", "regressor", "attribute_critic", "feedback")


class FeatureGAN(FeatureGenerator):
    """Generator, critics and whatever else the configuration asks for; each network is a parameter group.

    Args:
        conf: which networks there are, their sizes and the weights of the loss terms.
        shape: widths of features and class vectors, number of classes, the features' radius.
        streams: ``init_<network>`` for the weights; generation draws from the streams it is given.

    Attributes:
        latent: width Z of the noise.
        radius: norm of the features, if they have one.
        seen_classifier_weight: (K, D) of the softmax of f-CLSWGAN, rows of unseen classes unused; zeros until the
            trainer fits it, and without rows if no loss term needs it.
        seen_classifier_bias: (K,), likewise.

    Raises:
        ConfigError: the generator projects onto a sphere and the features lie on none.
    """

    encoder: Encoder | None
    generator: Generator
    critic: Critic
    unseen_critic: Critic | None
    regressor: Regressor | None
    attribute_critic: Critic | None
    feedback: Feedback | None
    seen_classifier_weight: Tensor
    seen_classifier_bias: Tensor

    def __init__(self, conf: FeatureGANConf, shape: ZeroShotShape, streams: Streams) -> None:
        super().__init__()
        if conf.output == "projection" and shape.radius is None:
            raise ConfigError("model.output=projection needs features of one norm: dataset.feature_scaling=l2")
        self.conf = conf
        d, a, h, slope = shape.features, shape.class_vector, conf.hidden, conf.slope
        self.latent = conf.latent_dim or a
        self.radius = shape.radius
        latent, radius = self.latent, shape.radius or 1.0
        condition = a if conf.unseen_critic == "pseudo_conditional" else 0
        builders: dict[str, tuple[bool, Callable[[], nn.Module]]] = {
            "encoder": (conf.encoder != "none", lambda: Encoder(d, a, h, latent, conf.encoder, slope)),
            "generator": (True, lambda: Generator(latent, a, h, d, conf.output, radius, slope)),
            "critic": (True, lambda: Critic(d, a, h, slope)),
            "unseen_critic": (conf.unseen_critic != "none", lambda: Critic(d, condition, h, slope)),
            "regressor": (conf.regressor != "none", lambda: Regressor(d, h, a, slope)),
            "attribute_critic": (conf.attribute_critic, lambda: Critic(a, 0, conf.attribute_hidden, slope)),
            "feedback": (conf.feedback_loop, lambda: Feedback(h, slope)),
        }
        for name, (is_there, build) in builders.items():
            # Seeded one by one: the weights of a network do not depend on which others there are.
            with streams.initialising(f"init_{name}"):
                network = build() if is_there else None
                if network is not None and not (name == "encoder" and conf.encoder == "batch_norm"):
                    initialise_normal(network, conf.init_deviation)
            setattr(self, name, network)
        rows = shape.classes if conf.weights.classification else 0
        self.register_buffer("seen_classifier_weight", torch.zeros(rows, d))
        self.register_buffer("seen_classifier_bias", torch.zeros(rows))

    def networks(self) -> dict[str, nn.Module]:
        """Return the networks there are, by name, in the order of `NETWORKS`."""
        named = {name: getattr(self, name) for name in NETWORKS}
        return {name: network for name, network in named.items() if network is not None}

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Return one group for each network, under its name."""
        return {name: list(network.parameters()) for name, network in self.networks().items()}

    def generate(self, z: Tensor, class_vectors: Tensor, feedback: float | None = None) -> Tensor:
        r"""Return the generator's features, passed through the feedback loop if asked for.

        .. math:: x' = G(z, a), \quad x = G_{out}(h_G + \delta F(h_R(x')))

        The first pass is a constant for the gradient.

        Args:
            z: (n, Z) noise or codes.
            class_vectors: (n, A).
            feedback: strength delta of the second pass; None for the first pass alone.

        Returns:
            (n, D) features.

        Source: TF-VAEGAN (Narayan et al. 2020), section 3.3; the released code detaches the first pass.
        """
        hidden = self.generator.pre_output(z, class_vectors)
        if feedback is None or self.feedback is None:
            return self.generator.emit(hidden)
        assert self.regressor is not None
        with torch.no_grad():
            units = self.regressor.units(self.generator.emit(hidden))
        return self.generator.emit(hidden + feedback * self.feedback(units))

    def encode(
        self, x: Tensor, class_vectors: Tensor, noise: Tensor, batches: int = 1
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return a sampled code, its mean and its log-variance, each (n, Z).

        Args:
            x: (n, D) features.
            class_vectors: (n, A).
            noise: (n, Z) from N(0, I).
            batches: number of batches of equal size in the rows; batch norm treats each alone.
        """
        assert self.encoder is not None
        mean, log_var = self.encoder(x, class_vectors, batches)
        return reparameterise(mean, log_var, noise), mean, log_var

    @torch.no_grad()
    def synthesize(self, class_vectors: Tensor, streams: Streams) -> Tensor:
        """Return features of noise and (perturbed) class vectors, through the feedback loop if the model has one."""
        generator, strength = streams["generate"], self.conf.perturbation.synthesis
        if strength:
            rho = torch.rand(class_vectors.shape, generator=generator, device=class_vectors.device)
            class_vectors = perturbed(class_vectors, rho, strength)
        z = torch.randn(len(class_vectors), self.latent, generator=generator, device=class_vectors.device)
        return self.generate(z, class_vectors, self.conf.feedback_synthesis)

    def classifier_input(self, x: Tensor) -> Tensor:
        """Return (n, D) features, or (n, D + A + H): features, regressed class vector and the regressor's units."""
        if self.conf.classifier_input == "x":
            return x
        assert self.regressor is not None
        units = self.regressor.units(x)
        return torch.cat([x, self.regressor.emit(units), at_least_fp32(units)], 1)
