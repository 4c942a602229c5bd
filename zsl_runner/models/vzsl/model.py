"""VZSL (Wang et al., AAAI 2018, arXiv 1711.05820): class priors linear in the class vector, kept apart by a margin."""

from __future__ import annotations

from torch import Tensor, nn

from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.models.base import TransductiveGenerator
from zsl_runner.models.gaussian_prior_vae import CodedBatch, GaussianPriorVAE
from zsl_runner.models.networks import initialise_uniform, prior_log_variance
from zsl_runner.models.vzsl.conf import VZSLConf
from zsl_runner.objectives.gaussian import kl_matrix
from zsl_runner.objectives.margin import posterior_margin
from zsl_runner.objectives.sharpening import self_sharpening


class LinearPrior(nn.Module):
    """Class priors linear in the class vector, without bias.

    The first d outputs are the mean and the last d the **log-variance**, the convention of the encoder. (One
    re-implementation reads the last d as log standard deviation; as the map is linear that only rescales weights.)
    """

    def __init__(self, class_vector: int, latent_dim: int) -> None:
        super().__init__()
        self.map = nn.Linear(class_vector, 2 * latent_dim, bias=False)

    def forward(self, class_vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and log-variances, both (n, d), of class vectors (n, A)."""
        mean, log_var = self.map(class_vectors).chunk(2, dim=1)
        return mean, prior_log_variance(log_var)


class VZSL(GaussianPriorVAE, TransductiveGenerator):
    """Bound on log p(x | a) and a margin between each row's posterior and the priors of the classes with rows.

    Terms: ``reconstruction``, ``kl``, ``margin``; of unlabelled rows ``reconstruction``, ``sharpening``.
    """

    conf: VZSLConf
    prior_network: LinearPrior

    def build_prior(self, shape: ZeroShotShape) -> LinearPrior:
        """Return the linear prior."""
        return LinearPrior(shape.class_vector, self.conf.latent_dim)

    def initialise(self) -> None:
        """Glorot weights, and near-zero ones in the prior and both output layers if ``output_init`` is set."""
        super().initialise()
        if self.conf.output_init is not None:
            for layer in (self.prior_network.map, self.encoder[-1], self.decoder[-1]):
                initialise_uniform(layer, self.conf.output_init)

    def margin_terms(self, batch: CodedBatch) -> dict[str, Tensor]:
        """Return ``margin`` over the priors of all classes with rows, also the true one; nothing if its weight is 0.

        A row whose own class is not among them would lower the margin without end. With the class, a margin of weight
        w is at least -w times the divergence from the row's own prior.
        """
        if not self.conf.margin_weight:
            return {}
        divergences = kl_matrix(*batch.posterior, *self.prior(batch.class_vectors[batch.classes_with_rows]))
        return {"margin": posterior_margin(divergences, batch.row_weights, weight=self.conf.margin_weight)}

    def target_terms(self, x: Tensor, class_vectors: Tensor, unseen_classes: Tensor) -> dict[str, Tensor]:
        """Return the reconstruction of unlabelled rows and the sharpening of their class assignments."""
        posterior = self.encode(x)
        terms = {}
        if self.conf.reconstruction_weight:
            terms["reconstruction"] = self._reconstruction(x, posterior)
        if self.conf.sharpening_weight:
            divergences = kl_matrix(*posterior, *self.prior(class_vectors[unseen_classes]))
            terms["sharpening"] = self_sharpening(divergences, weight=self.conf.sharpening_weight)
        return terms
