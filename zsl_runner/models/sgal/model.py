"""SGAL (Yu and Lee, NeurIPS 2019, arXiv 1910.09446): an autoencoder of features with a prior network of classes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.models.gaussian_prior_vae import CodedBatch, GaussianPriorVAE
from zsl_runner.models.networks import geometric_widths, mlp, prior_log_variance
from zsl_runner.models.sgal.conf import SGALConf
from zsl_runner.objectives.margin import prior_separation
from zsl_runner.streams import Streams


class PriorTowers(nn.Module):
    """Prior means and log-variances of class vectors; the towers share no weight."""

    constant: Tensor

    def __init__(self, conf: SGALConf, shape: ZeroShotShape, streams: Streams) -> None:
        super().__init__()
        hidden = conf.prior.hidden
        if hidden is None:
            hidden = geometric_widths(shape.class_vector, conf.latent_dim, conf.prior.layers)[:-1]
        widths = [shape.class_vector, *hidden, conf.latent_dim]
        self.mean = mlp(widths, conf.prior, conf.blocks, streams)
        self.log_var: nn.Module | None = None
        if conf.prior.const_log_var is None:
            self.log_var = mlp(widths, conf.prior, conf.blocks, streams)
        else:
            constant = torch.full((1, conf.latent_dim), conf.prior.const_log_var)
            self.register_buffer("constant", constant, persistent=False)

    def forward(self, class_vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return means (n, d) and log-variances (n, d), or (1, d) if constant."""
        mean = self.mean(class_vectors)
        return mean, self.constant if self.log_var is None else prior_log_variance(self.log_var(class_vectors))


class SGAL(GaussianPriorVAE):
    """Bound on log p(x | a) with the class's own Gaussian as prior, plus a term that keeps the priors apart.

    Terms: ``reconstruction``, ``kl``, ``margin``.
    """

    conf: SGALConf
    prior_network: PriorTowers

    def build_prior(self, shape: ZeroShotShape) -> PriorTowers:
        """Return the towers."""
        return PriorTowers(self.conf, shape, self.streams)

    def margin_terms(self, batch: CodedBatch) -> dict[str, Tensor]:
        """Return ``margin``, in which row weights have no part; nothing if its weight is 0 or the prior fixed."""
        margin = self.conf.margin
        if not margin.weight or self.prior_is_fixed:
            return {}
        if margin.pairs == "classes":
            vectors = batch.class_vectors
            prior, rows = self.prior(vectors), torch.arange(len(vectors), device=vectors.device)
        else:
            prior, rows = batch.prior, batch.labels
        classes = None if margin.pairs == "batch_all" else rows
        return {"margin": prior_separation(*prior, classes, weight=margin.weight, per_dim=margin.per_dim)}
