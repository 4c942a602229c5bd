"""Figures at the size of TensorBoard's cards."""

import io
import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from zsl_runner.tracking.figures.confusion import confusion
from zsl_runner.tracking.pictures import CARD_DPI, CARD_INCHES, card, still


def drawn(classes):
    labels = np.repeat(np.arange(classes), 3)
    predictions = np.roll(labels, 1)
    unseen = np.arange(classes - 2, classes)
    names = tuple(f"class {number}" for number in range(classes))
    return confusion(labels, predictions, np.arange(classes - 2), unseen, names)


@pytest.mark.parametrize("classes", [6, 20, 50, 100])
def test_a_card_is_small_and_no_two_names_touch(classes):
    figure = drawn(classes)
    whole = still(figure)
    small = card(figure)
    assert small.width == round(CARD_INCHES * CARD_DPI)
    assert Image.open(io.BytesIO(small.encoded)).size == (small.width, small.height)
    assert small.width < whole.width
    axes = figure.axes[0]
    names = [label for label in axes.get_yticklabels() if label.get_text()]
    assert bool(names) == (classes in (6, 100))  # of a hundred classes the figure names two kinds
    boxes = sorted((label.get_window_extent() for label in names), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 + 1 for low, high in itertools.pairwise(boxes))
    assert all(text.get_visible() == (classes == 6) for text in axes.texts)


def test_axes_with_numbers_keep_them():
    figure = Figure(figsize=(8, 6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1000], [0, 1])
    axes.annotate("here", (500, 0.5))
    card(figure)
    assert [label.get_text() for label in axes.get_xticklabels()].count("") == 0
    assert axes.texts[0].get_visible()
