"""Figures of codes and of pictures made from them."""

import numpy as np
import pytest
import torch

from zsl_runner.tracking.figures.codes import MOST_DIMENSIONS, code_histograms, latent_scatter
from zsl_runner.tracking.figures.one_image import GAP
from zsl_runner.tracking.figures.sheets import mosaic


@pytest.mark.parametrize("channels", [1, 3])
def test_a_mosaic_has_each_picture_in_its_line_and_column(channels):
    pictures = torch.rand(2, 3, channels, 4, 5, generator=torch.Generator().manual_seed(0))
    figure = mosaic(pictures, "title", ["a", "b"], ["x", "y", "z"])
    (axes,) = figure.axes
    shown = np.asarray(axes.images[0].get_array())
    assert shown.shape[:2] == (2 * 4 + GAP, 3 * 5 + 2 * GAP)
    for line in range(2):
        for column in range(3):
            top, left = line * (4 + GAP), column * (5 + GAP)
            expected = pictures[line, column].permute(1, 2, 0).squeeze().numpy()
            np.testing.assert_array_equal(shown[top : top + 4, left : left + 5], expected)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x", "y", "z"]


def test_a_scatter_shows_every_point_once_with_outlines_and_heads():
    points = torch.rand(30, 2, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(30) % 3
    figure = latent_scatter(points, labels, ("a", "b", "c"), "title", [torch.zeros(5, 2)], torch.ones(2, 2))
    (axes,) = figure.axes
    *classes, heads = axes.collections
    shown = np.concatenate([np.asarray(part.get_offsets()) for part in classes])
    np.testing.assert_allclose(np.sort(shown, 0), np.sort(points.numpy(), 0))
    assert len(heads.get_offsets()) == 2
    assert len(axes.lines) == 1
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b", "c"]
    plain = latent_scatter(points, None, (), "title", ())
    assert len(plain.axes[0].collections[0].get_offsets()) == 30


def test_histograms_are_of_the_first_dimensions_and_named():
    codes = torch.randn(200, MOST_DIMENSIONS + 2, generator=torch.Generator().manual_seed(0))
    figure = code_histograms(codes, codes)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_xlabel() for axes in shown] == [f"z{number}" for number in range(MOST_DIMENSIONS)]
    few = code_histograms(codes[:, :3], codes[:, :3])
    assert sum(axes.get_visible() for axes in few.axes) == 3
