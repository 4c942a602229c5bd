"""Figures of tasks are drawn for one task, for some and for many, and show what they are given."""

import warnings

import numpy as np
import pytest

from zsl_runner.tracking.figures.tasks import (
    accuracy_in_plane,
    by_layer,
    by_task,
    searched_weights,
    task_courses,
    task_matrix,
    zero_shot_courses,
)
from zsl_runner.tracking.pictures import png

TASKS = (1, 5, 20)


def matrix_of(tasks, done=None):
    generator = np.random.default_rng(tasks)
    done = tasks if done is None else done
    return np.where(np.tri(done, tasks, dtype=bool), generator.uniform(0, 100, (done, tasks)), np.nan)


def drawn(figure):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(png(figure)) > 2000
    return figure


def texts(axes):
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("tasks", TASKS)
def test_a_matrix_shows_its_numbers_while_they_are_readable(tasks):
    matrix = matrix_of(tasks)
    axes = drawn(task_matrix(matrix, "Accuracy")).axes[0]
    wanted = [f"{value:.1f}" for value in matrix[~np.isnan(matrix)]] if tasks < 12 else []
    assert texts(axes) == wanted
    assert [label.get_text() for label in axes.get_xticklabels()] == [str(task + 1) for task in range(tasks)]
    assert axes.images[0].get_clim() == (0, 100)


@pytest.mark.parametrize("done", [1, 3])
def test_tasks_that_have_not_come_have_columns_without_colour(done):
    matrix = matrix_of(5, done)
    axes = drawn(task_matrix(matrix, "Accuracy")).axes[0]
    assert axes.images[0].get_array().shape == (done, 5)
    assert np.ma.getmaskarray(axes.images[0].get_array()).sum() == np.isnan(matrix).sum()
    assert len(drawn(task_courses(matrix, "Accuracy")).axes[0].lines) == done + 1


@pytest.mark.parametrize("tasks", TASKS)
def test_courses_begin_at_their_own_task(tasks):
    matrix = matrix_of(tasks)
    lines = drawn(task_courses(matrix, "Accuracy")).axes[0].lines
    for task, line in enumerate(lines[:-1]):
        assert list(line.get_xdata()) == list(range(task + 1, tasks + 1))
        np.testing.assert_array_equal(line.get_ydata(), matrix[task:, task])
    assert len({str(line.get_color()) for line in lines}) == tasks + 1
    means = [matrix[step, : step + 1].mean() for step in range(tasks)]
    np.testing.assert_allclose(lines[-1].get_ydata(), means)


def test_axes_of_percentages_end_at_100_and_at_0():
    perfect = np.where(np.tri(3, dtype=bool), 100.0, np.nan)
    forgotten = np.where(np.eye(3, dtype=bool), 100.0, np.where(np.tri(3, dtype=bool), 0.0, np.nan))
    assert drawn(task_courses(perfect, "Accuracy")).axes[0].get_ylim()[1] == 100
    assert drawn(task_courses(forgotten, "Accuracy")).axes[0].get_ylim() == (0, 100)
    assert drawn(zero_shot_courses({"S": [100, 99], "U": [0, 1], "H": [0, 1.98]})).axes[0].get_ylim() == (0, 100)
    low, high = drawn(task_courses(np.array([[60.0, np.nan], [50.0, 70.0]]), "Accuracy")).axes[0].get_ylim()
    assert 40 < low < 50
    assert 70 < high < 80


@pytest.mark.parametrize(("low", "high"), [(20, 95), (99.9, 100), (100, 100)])
def test_a_plane_has_levels_up_to_its_best_accuracy(low, high):
    u, v = np.linspace(-1, 5, 5), np.linspace(-1, 4, 5)
    accuracy = np.linspace(low, high, 25).reshape(5, 5)
    figure = drawn(accuracy_in_plane(u, v, accuracy, {"old": (0, 0), "joint": (2, 3)}))
    bottom, top = figure.axes[1].get_ylim()
    assert high - 46 < bottom <= high - 1
    assert high <= top <= high + 5
    assert [text.get_text() for text in figure.axes[0].texts] == ["old", "joint"]


@pytest.mark.parametrize("tasks", TASKS)
@pytest.mark.parametrize("undefined", [False, True])
def test_seen_unseen_and_their_mean(tasks, undefined):
    values = np.random.default_rng(0).uniform(0, 100, (3, tasks))
    if undefined:
        values[1:, -1] = np.nan  # the static setting
    axes = drawn(zero_shot_courses(dict(zip("SUH", values.tolist(), strict=True)))).axes[0]
    assert [line.get_label() for line in axes.lines] == ["S", "U", "H"]
    for line, numbers in zip(axes.lines, values, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), numbers)


@pytest.mark.parametrize("tasks", TASKS[1:])
@pytest.mark.parametrize("names", [("old",), ("old", "auxiliary")])
def test_bars_stand_at_their_tasks(tasks, names):
    values = {name: np.linspace(1, 2, tasks - 1).tolist() for name in names}
    axes = drawn(by_task(values, 2, "norm", "How far")).axes[0]
    assert len(axes.patches) == len(names) * (tasks - 1)
    for place, name in enumerate(names):
        bars = axes.containers[place]
        assert [bar.get_height() for bar in bars] == values[name]
        assert [round(bar.get_x() + bar.get_width() / 2) for bar in bars] == list(range(2, tasks + 1))


@pytest.mark.parametrize("tasks", TASKS[1:])
def test_searched_weights_stand_beside_what_was_reached_with_them(tasks):
    factors = np.geomspace(1, 1e-7, tasks - 1).tolist()
    accuracies = {"network": [60.0] * (tasks - 1), "auxiliary network": [70.0] * (tasks - 1)}
    left, right = drawn(searched_weights(factors, accuracies)).axes
    (line,) = left.lines
    assert list(line.get_xdata()) == list(range(2, tasks + 1))
    assert list(line.get_ydata()) == factors
    assert left.get_yscale() == "log"
    assert [[bar.get_height() for bar in bars] for bars in right.containers] == list(accuracies.values())


def test_layers_stand_in_their_order():
    layers = {
        "to the old network": {"layer 1": 0.9, "layer 2": 0.4},
        "to the auxiliary network": {"layer 1": 1.0, "layer 2": 0.0},
    }
    axes = drawn(by_layer(layers, "linear CKA", "Representations")).axes[0]
    assert [list(line.get_ydata()) for line in axes.lines] == [[0.9, 0.4], [1.0, 0.0]]
    assert [label.get_text() for label in axes.get_xticklabels()][:2] == ["layer 1", "layer 2"]
