import numpy as np
import pytest

from zsl_runner.tracking.figures.joint_code import capacity_curve, category_classes, latent_divergences
from zsl_runner.tracking.pictures import png


def test_the_capacity_curve_shows_divergences_capacities_and_information():
    steps = np.arange(50, 1050, 50)
    history = np.stack([steps, steps / 400, steps / 390, steps / 900, steps / 880, steps / 1000], 1)
    figure = capacity_curve(history)
    (axes,) = figure.axes
    assert len(axes.lines) == 5
    np.testing.assert_allclose(axes.lines[0].get_ydata(), history[:, 1])
    np.testing.assert_allclose(axes.lines[3].get_ydata(), history[:, 4])
    assert [text.get_text() for text in axes.texts] == ["$C_z$ 2.56", "$C_c$ 1.14"]
    assert png(figure)


def test_the_divergences_of_variables_stand_below_and_the_large_ones_are_named():
    steps = np.arange(50, 550, 50)
    history = np.stack([steps, *[steps / 400] * 5, steps / 300, 0 * steps, steps / 200], 1)
    figure = capacity_curve(history)
    above, below = figure.axes
    assert len(above.lines) == 5
    assert [text.get_text() for text in below.get_legend().get_texts()] == ["$z_{3}$", "$z_{1}$"]
    np.testing.assert_allclose(below.lines[0].get_ydata(), steps / 200)
    assert below.get_xlabel() == "step"
    assert png(figure)


@pytest.mark.parametrize("rows", [1, 2])
def test_a_single_row_of_a_short_run_is_seen(rows):
    history = np.stack([50.0 * np.arange(1, rows + 1), *[np.arange(2.0, rows + 2)] * 7], 1)
    lines = [line for axes in capacity_curve(history).axes for line in axes.lines]
    assert len(lines) == 7
    assert {line.get_marker() for line in lines} == {"o" if rows == 1 else "None"}


@pytest.mark.parametrize("count", [1, 5, 10])
def test_the_names_of_variables_stand_clear_of_the_curves(count):
    steps = np.arange(50, 550, 50)
    history = np.stack([steps, *[steps / 400] * 5, *[np.full_like(steps, 2)] * count], 1)
    figure = capacity_curve(history)
    png(figure)
    below = figure.axes[1]
    highest = below.transData.transform((0, 2))[1]
    assert below.get_legend().get_window_extent().y0 > highest


@pytest.mark.parametrize("count", [3, 34])
def test_each_variable_has_a_bar_with_its_number(count):
    figure = latent_divergences({f"z{place}": 0.1 * place for place in range(count)}, count - 1)
    (axes,) = figure.axes
    assert len(axes.patches) == count
    assert axes.texts[2].get_text() == "0.20"
    assert axes.patches[-1].get_facecolor() != axes.patches[0].get_facecolor()
    assert png(figure)


def test_categories_stand_in_the_order_of_their_classes():
    counts = np.array([[0, 10, 0], [30, 0, 10], [0, 0, 0], [0, 0, 5]])
    figure = category_classes(counts, ("a", "b", "c"), np.array([1, 0, -1, 2]))
    axes = figure.axes[0]
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    assert labels == ["1  (n=40)", "0  (n=10)", "3  (n=5)", "2  (n=0)"]
    np.testing.assert_allclose(axes.images[0].get_array(), [[75, 0, 25], [0, 100, 0], [0, 0, 100], [0, 0, 0]])
    assert len(axes.patches) == 3
    assert png(figure)
    mapped = category_classes(counts, ("a", "b", "c"), np.array([1, 0, 2, -1])).axes[0]
    assert len(mapped.patches) == 2  # of category 2 there are no images
