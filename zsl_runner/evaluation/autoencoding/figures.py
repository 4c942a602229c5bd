"""Which figures the protocol of autoencoders draws at the end of a run, and the shapes of priors in them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from zsl_runner.data.images.folds import UNLABELLED, ImageEvaluationSet, LabelledImages
from zsl_runner.evaluation.autoencoding.encoding import Encoded, beside_z, generated
from zsl_runner.evaluation.base import Draw
from zsl_runner.models.adversarial_autoencoder.model import AdversarialAutoencoder
from zsl_runner.models.latent_priors import PARTS, LatentPrior
from zsl_runner.models.networks import evaluating
from zsl_runner.objectives.latent_priors import petals, swiss_roll
from zsl_runner.streams import Streams

SHOWN = 10
SAMPLES = 16
POINTS = 5000
NEIGHBOUR_ROWS = 20_000
LINE_POINTS = 200


@dataclass(frozen=True)
class AutoencodingDetails:
    """What a measurement keeps for its figures.

    Attributes:
        encoded: the evaluated images.
        draws: (n, d) draws of the prior beside them.
    """

    encoded: Encoded
    draws: Tensor


def autoencoding_figures(
    model: AdversarialAutoencoder, data: ImageEvaluationSet, details: AutoencodingDetails, streams: Streams
) -> Iterator[tuple[str, Draw]]:
    """Yield (name, what draws it): codes beside their prior, then images made of codes, as far as the variant has them.

    Args:
        model: the trained model.
        data: the evaluated images.
        details: their codes.
        streams: what is drawn for the figures.
    """
    from zsl_runner.tracking.figures.codes import code_histograms, latent_scatter
    from zsl_runner.tracking.figures.sheets import mosaic

    encoded, pictures = details.encoded, _Pictures(model, data)
    labels = encoded.labels[:POINTS] if data.class_names else None
    if model.conf.latent_dim == 2:
        lines = outlines(model.prior)
        shown = encoded.z[:POINTS]
        title = f"z of {len(shown):,} images over the prior {model.prior.name}"
        yield "latent_scatter", lambda: latent_scatter(shown, labels, data.class_names, title, lines)
        if model.heads is not None:
            with torch.no_grad():
                points = model.representation(shown, encoded.y[:POINTS] if encoded.y is not None else None)
            heads = model.heads.detach() / model.prior.scale
            heading = f"representation of {len(shown):,} images, heads of {len(heads)} clusters"
            yield "representation", lambda: latent_scatter(points, labels, data.class_names, heading, (), heads)
    yield "code_histograms", lambda: code_histograms(encoded.z, details.draws)
    with evaluating(model), torch.no_grad():
        originals, reconstructed = pictures.reconstructions(encoded)
        rows = torch.stack([originals, reconstructed])
        yield "reconstructions", lambda: mosaic(rows, "Images and reconstructions", ["image", "decoded"])
        for name, codes in walk(model.prior).items() if not model.categories and model.conf.labels != "decoder" else ():
            grid = _in_lines(pictures.decode(codes.flatten(0, 1), None), len(codes))
            yield name, lambda grid=grid: mosaic(grid, "Decoded codes along the prior")  # type: ignore[misc]
        if model.conf.labels == "decoder" or model.conf.labels == "category":
            sources, sheet = pictures.styles(encoded)
            whole = torch.cat([sources[:, None], sheet], 1)
            titles = ["image", *data.class_names]
            yield "style_content", lambda: mosaic(whole, "One style a line, one class a column", (), titles)
        if model.conf.n_clusters is not None:
            members, names = pictures.clusters(encoded, streams["clusters"])
            yield "clusters", lambda: mosaic(members, "Clusters: head, then images that belong to it", names)
        samples = generated(model, SAMPLES, SAMPLES, streams["samples"])
        neighbours = nearest(samples, data.training)
        pair = torch.stack([pictures.of(samples), pictures.of(neighbours)])
        heading = f"Samples, and the nearest of {min(NEIGHBOUR_ROWS, len(data.training)):,} training images"
        yield "samples", lambda: mosaic(pair, heading, ["sample", "nearest"])


def nearest(samples: Tensor, rows: LabelledImages) -> Tensor:
    """Return the (n, D) training image with the smallest squared distance to each of the samples (n, D)."""
    best = samples.new_full((len(samples),), float("inf"))
    found = torch.zeros_like(samples)
    for _, images in rows.spread(NEIGHBOUR_ROWS).images.blocks(2000):
        x = images.flatten(1)
        distances, places = torch.cdist(samples, x).min(1)
        closer = distances < best
        best, found[closer] = torch.where(closer, distances, best), x[places[closer]]
    return found


class _Pictures:
    """Makes (..., C, H, W) pictures.

    Args:
        model: in evaluation mode when its methods are called.
        data: the evaluated images.
    """

    def __init__(self, model: AdversarialAutoencoder, data: ImageEvaluationSet) -> None:
        self._model = model
        self._data = data

    def of(self, rows: Tensor) -> Tensor:
        """Return pictures of rows (..., D)."""
        shape = self._data.shape
        return rows.reshape(*rows.shape[:-1], shape.channels, shape.height, shape.width).clamp(0, 1)

    def decode(self, z: Tensor, beside: Tensor | None) -> Tensor:
        """Return pictures decoded from codes (n, d)."""
        return self.of(self._model.decode(z, beside))

    def images(self, positions: Tensor) -> Tensor:
        """Return the evaluated images at positions."""
        return self._data.rows.images.take(positions)

    def chosen(self, encoded: Encoded) -> Tensor:
        """Return the position of the first image of each class, or of the first images without labels."""
        if not self._data.class_names or bool((encoded.labels == UNLABELLED).any()):
            return torch.arange(min(SHOWN, len(encoded.z)), device=encoded.z.device)
        classes = range(min(len(self._data.class_names), SHOWN))
        found = [(encoded.labels == label).nonzero().flatten()[:1] for label in classes]
        return torch.cat(found)

    def reconstructions(self, encoded: Encoded) -> tuple[Tensor, Tensor]:
        """Return some images and what they are decoded to."""
        chosen = self.chosen(encoded)
        y = None if encoded.y is None else encoded.y[chosen]
        return self.images(chosen), self.decode(encoded.z[chosen], beside_z(self._model, encoded.labels[chosen], y))

    def styles(self, encoded: Encoded) -> tuple[Tensor, Tensor]:
        """Return n images, and (n, K) pictures with the z of each image and every class."""
        chosen = self.chosen(encoded)
        classes = torch.eye(self._model.classes, device=encoded.z.device)
        z = encoded.z[chosen].repeat_interleave(len(classes), 0)
        sheet = self.decode(z, classes.repeat(len(chosen), 1))
        return self.images(chosen), _in_lines(sheet, len(chosen))

    def clusters(self, encoded: Encoded, generator: torch.Generator) -> tuple[Tensor, list[str]]:
        """Return the picture of each cluster's head (z = 0) and images that belong to it, black where none is left."""
        assert encoded.y is not None
        count = encoded.y.shape[1]
        heads = self.decode(
            encoded.z.new_zeros(count, self._model.conf.latent_dim), torch.eye(count, device=encoded.z.device)
        )
        belongs, lines, names = encoded.y.argmax(1), [], []
        for cluster in range(count):
            members = (belongs == cluster).nonzero().flatten()
            names.append(f"{len(members):,}")
            order = torch.randperm(len(members), generator=generator, device=members.device)[:SHOWN]
            line = heads.new_zeros(SHOWN, *heads.shape[1:])
            line[: len(order)] = self.images(members[order])
            lines.append(torch.cat([heads[cluster : cluster + 1], line]))
        return torch.stack(lines), names


def _in_lines(pictures: Tensor, lines: int) -> Tensor:
    """Return pictures (n, ...) as (lines, n / lines, ...)."""
    return pictures.reshape(lines, -1, *pictures.shape[1:])


def outlines(prior: LatentPrior) -> list[Tensor]:
    """Return lines (k, 2): two deviations of each Gaussian, the edge of a square, the spiral itself."""
    if prior.name == "swiss_roll":
        return [swiss_roll(torch.linspace(0, 1, 4 * LINE_POINTS) ** 2 * prior.parts / PARTS)]
    if prior.name == "uniform":
        corners = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
        return [prior.scale * corners]
    angles = torch.linspace(0, 2 * math.pi, LINE_POINTS)
    circle = torch.stack([angles.cos(), angles.sin()], 1)
    if prior.name == "gmm10":
        return [petals(torch.full((LINE_POINTS,), part), 2 * circle) for part in range(prior.parts)]
    return [prior.scale * radius * circle for radius in (1, 2)]


SIDE = 20
ALONG = 2.0


def walk(prior: LatentPrior) -> dict[str, Tensor]:
    """Return codes (lines, columns, 2) by the name of their figure; empty unless the prior lies in the plane.

    Of a normal or uniform prior a grid of equal probabilities (its inverse distribution function of a regular grid); of
    each petal one line along its length, from two deviations inside to two outside; of the swiss roll a walk along it.
    """
    if prior.width != 2:
        return {}
    if prior.name == "swiss_roll":
        along = torch.linspace(0.01, prior.parts / PARTS, prior.parts * SIDE)
        return {"walk": swiss_roll(along).reshape(prior.parts, SIDE, 2)}
    if prior.name == "gmm10":
        steps = torch.linspace(-ALONG, ALONG, SIDE).repeat(prior.parts)
        parts = torch.arange(prior.parts).repeat_interleave(SIDE)
        codes = petals(parts, torch.stack([steps, torch.zeros_like(steps)], 1))
        return {"walk": codes.reshape(prior.parts, SIDE, 2)}
    shares = (torch.arange(SIDE) + 0.5) / SIDE
    places = prior.scale * (torch.special.ndtri(shares) if prior.name == "normal" else 2 * shares - 1)
    lines, columns = torch.meshgrid(places.flip(0), places, indexing="ij")
    return {"manifold": torch.stack([columns, lines], 2)}
