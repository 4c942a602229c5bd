"""What trainers and evaluators may ask of a model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from zsl_runner.streams import Streams

if TYPE_CHECKING:
    from zsl_runner.data.zero_shot.folds import ZeroShotTraining


class Model(nn.Module):
    """Base of all models. A model is built as ``Model(conf, shape, streams)``.

    A model draws every random number from ``streams`` (never from torch's global generator) and lists its parameter
    groups, the names by which trainers minimise.
    """

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Return the named, disjoint groups of trainable parameters; by default one group ``model``."""
        return {"model": [p for p in self.parameters() if p.requires_grad]}


class ClassScorer(Model):
    """Capability ``class_scores``."""

    @abstractmethod
    def class_scores(self, x: Tensor, class_vectors: Tensor) -> Tensor:
        """Return (B, C) scores of rows ``x`` (B, D) for the classes described by ``class_vectors`` (C, A).

        The larger score wins. Called in evaluation mode without gradient; draws no random numbers.
        """
        raise TypeError(f"{type(self).__name__} scores no classes")


class FeatureGenerator(Model):
    """Capability ``synthesize``: draws features of a class, on which a final classifier can be trained."""

    @abstractmethod
    def synthesize(self, class_vectors: Tensor, streams: Streams) -> Tensor:
        """Return generated features, constants for the gradient.

        Neither the mode of the networks nor their statistics nor the streams of training are moved.

        Args:
            class_vectors: (n, A) one vector for each draw.
            streams: the generators to draw from (``generate`` for latents and noise).

        Returns:
            (n, D); row i belongs to draw i.
        """
        raise TypeError(f"{type(self).__name__} generates nothing")

    def classifier_input(self, x: Tensor) -> Tensor:
        """Return the (B, D') inputs of a final classifier for features ``x`` (B, D), real or generated.

        By default the features themselves. Called in evaluation mode without gradient.
        """
        return x

    def training_input(self, x: Tensor, streams: Streams) -> Tensor:
        """Return the (B, D') inputs that a final classifier is trained on for real features ``x`` (B, D).

        By default those of `classifier_input`; a model that classifies codes may draw them. Called in evaluation mode
        without gradient.

        Args:
            x: features of labelled rows.
            streams: the generators to draw from (``generate``).
        """
        return self.classifier_input(x)

    def synthesize_input(self, class_vectors: Tensor, streams: Streams) -> Tensor:
        """Return the (n, D') inputs that a final classifier is trained on for n draws of classes.

        By default those of generated features; a model that classifies codes may draw them without a decoder. Called
        in evaluation mode without gradient.

        Args:
            class_vectors: (n, A) one vector for each draw.
            streams: the generators to draw from (``generate``).
        """
        return self.classifier_input(self.synthesize(class_vectors, streams))


class ConditionalGenerator(ClassScorer, FeatureGenerator):
    """Capabilities ``loss_terms`` and ``class_priors``: a latent-variable model of features given a class.

    Its parameter groups are ``autoencoder`` and ``prior``.
    """

    @abstractmethod
    def loss_terms(
        self,
        x: Tensor,
        labels: Tensor,
        class_vectors: Tensor,
        classes_with_rows: Tensor,
        row_weights: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return the named scalar terms of the loss (already weighted; their sum is minimised).

        Args:
            x: (B, D) features.
            labels: (B,) global class ids.
            class_vectors: (K, A) vectors of all classes, indexed by label.
            classes_with_rows: (L,) global ids, ascending, of the classes that rows of such a batch may be of: those
                with labelled training rows and, where generated rows are in it, those that rows are generated of.
            row_weights: (B,) non-negative weights whose mean is 1, for terms that are means over rows; None weighs all
                rows alike.
        """
        raise TypeError(f"{type(self).__name__} has no loss")

    @abstractmethod
    def synthesize(self, class_vectors: Tensor, streams: Streams, options: GenerationOptions | None = None) -> Tensor:
        """Return generated features, constants for the gradient.

        Args:
            class_vectors: (n, A) one vector for each draw.
            streams: the generators to draw from (``generate`` for latents and noise).
            options: copies, dropout, observation noise; None for one plain copy.

        Returns:
            (copies * n, D); row ``c * n + i`` is copy c of draw i.
        """
        raise TypeError(f"{type(self).__name__} generates nothing")

    @abstractmethod
    def set_prior_dropout(self, rate: float) -> None:
        """Change the dropout rate of the prior network from now on.

        The rate is an attribute, not a part of ``state_dict``: a trainer that changes it sets it again when it resumes.

        Raises:
            ConfigError: ``rate`` is not 0 and the prior network has no dropout.
        """
        raise TypeError(f"{type(self).__name__} has no prior network")

    @abstractmethod
    def fix_prior(self) -> None:
        """Treat the class priors as constants until the next ``train()``, for steps that do not minimise them.

        The prior network is in evaluation mode and terms of the priors alone are left out of the loss.
        """
        raise TypeError(f"{type(self).__name__} has no prior network")


class TransductiveGenerator(ConditionalGenerator):
    """Capability ``target_terms``: a generator that also learns from unlabelled rows of unseen classes."""

    @abstractmethod
    def target_terms(self, x: Tensor, class_vectors: Tensor, unseen_classes: Tensor) -> dict[str, Tensor]:
        """Return the named scalar terms of unlabelled rows (already weighted; added to `loss_terms` and minimised).

        Args:
            x: (B, D) unlabelled features of unseen classes.
            class_vectors: (K, A) vectors of all classes.
            unseen_classes: (U,) global ids of the classes the rows may belong to.
        """
        raise TypeError(f"{type(self).__name__} learns nothing from unlabelled rows")


class ClosedForm(ClassScorer):
    """Capability ``fit``: a model whose parameters follow from the training rows in one formula.

    What is fitted are buffers, so it stands in ``state_dict``; there are no parameter groups to minimise.
    """

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Return no group."""
        return {}

    @abstractmethod
    def fit(self, data: ZeroShotTraining) -> dict[str, Tensor]:
        """Fit on all labelled rows of ``data`` and return named scalars that describe the fit on them."""
        raise TypeError(f"{type(self).__name__} cannot be fitted")


@dataclass(frozen=True)
class GenerationOptions:
    """How features are generated.

    Attributes:
        copies: rows decoded from one latent draw (they differ only through dropout and noise).
        decoder_dropout: Monte-Carlo dropout in the decoder.
        prior_dropout: Monte-Carlo dropout in the prior network.
        noise: standard deviation of observation noise added to the decoder's mean; 0 emits the mean.
    """

    copies: int = 1
    decoder_dropout: bool = False
    prior_dropout: bool = False
    noise: float = 0.0
