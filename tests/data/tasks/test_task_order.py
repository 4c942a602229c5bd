"""Which classes belong to which task."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zsl_runner.data.sources.digits.conf import SplitDigitsConf
from zsl_runner.data.sources.xlsa17.conf import XLSA17TasksConf
from zsl_runner.data.tasks.order import TaskOrder, even_sizes, ordered
from zsl_runner.errors import DataError


def problems(conf):
    return {problem.key: problem.message for problem in conf.problems()}


@given(classes=st.integers(1, 200), tasks=st.integers(1, 50))
def test_sizes_are_even_and_lose_no_class(classes, tasks):
    sizes = even_sizes(classes, tasks)
    assert len(sizes) == tasks
    assert sum(sizes) == classes
    assert max(sizes) - min(sizes) <= 1
    assert sorted(sizes, reverse=True) == list(sizes)


@given(st.data())
def test_the_first_task_has_the_classes_it_is_to_have(data):
    classes = data.draw(st.integers(2, 100))
    tasks = data.draw(st.integers(2, min(20, classes)))
    first = data.draw(st.integers(1, classes - tasks + 1))
    sizes = even_sizes(classes, tasks, first)
    assert sizes[0] == first
    assert sizes[1:] == even_sizes(classes - first, tasks - 1)
    assert min(sizes) >= 1


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12))
def test_tasks_divide_the_classes(sizes):
    order = TaskOrder(tuple(sizes))
    every = [label for task in range(order.tasks) for label in order.of(task)]
    assert every == list(range(order.classes))
    for task in range(order.tasks):
        assert list(order.until(task)) == every[: sum(sizes[: task + 1])]
        assert {order.task_of_class[label] for label in order.of(task)} == {task}


def test_classes_come_in_ascending_given_or_drawn_order():
    classes = np.array([2, 3, 5, 7, 11, 13])
    assert ordered(classes, None, None).tolist() == [2, 3, 5, 7, 11, 13]
    assert ordered(classes, [7, 2, 13, 3, 11, 5], None).tolist() == [7, 2, 13, 3, 11, 5]
    drawn = ordered(classes, None, 0).tolist()
    assert sorted(drawn) == classes.tolist()
    assert drawn == ordered(classes, None, 0).tolist()
    assert len({tuple(ordered(classes, None, seed)) for seed in range(20)}) > 10


@pytest.mark.parametrize(
    ("given_order", "found"),
    [
        ([2, 3], "5, 7 missing"),
        ([2, 3, 5, 7, 4], "4 no class of the data"),
        ([2, 3, 5, 5, 7], "5 in two tasks"),
        ([2, 3, 3, 9], "9 no class of the data; 5, 7 missing; 3 in two tasks"),
    ],
)
def test_a_wrong_order_is_refused_with_the_classes(given_order, found):
    with pytest.raises(DataError, match="expected each of the 4 classes once") as error:
        ordered(np.array([2, 3, 5, 7]), given_order, None)
    assert str(error.value).endswith(f"found {found}")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"n_tasks": 11}, "n_tasks"),
        ({"n_tasks": 1, "first_task_classes": 9}, "first_task_classes"),
        ({"n_tasks": 5, "first_task_classes": 7}, "first_task_classes"),
        ({"class_order": list(range(9))}, "class_order"),
        ({"class_order": [*range(9), 10]}, "class_order"),
        ({"class_order": [*range(10), 3]}, "class_order"),
        ({"class_order": list(range(10)), "class_order_seed": 1}, "class_order_seed"),
    ],
)
def test_what_does_not_fit_the_digits_is_refused_before_a_run(changes, key):
    assert list(problems(SplitDigitsConf(name="d", **changes))) == [key]


@pytest.mark.parametrize(
    "changes",
    [
        {"n_tasks": 10},
        {"n_tasks": 1},
        {"n_tasks": 1, "first_task_classes": 10},
        {"n_tasks": 5, "first_task_classes": 6},
        {"class_order": list(reversed(range(10)))},
    ],
)
def test_what_fits_the_digits_is_not_refused(changes):
    assert problems(SplitDigitsConf(name="d", **changes)) == {}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"feature_scaling": "minmax"}, "feature_scaling"),
        ({"feature_scaling": "center_l2"}, "feature_scaling"),
        ({"semantic_scaling": "standard"}, "semantic_scaling"),
        ({"unseen_imbalance": 5.0}, "unseen_imbalance"),
        ({"shots": 5}, "shots"),
        ({"class_order": [0, 1, 1]}, "class_order"),
    ],
)
def test_zero_shot_tasks_look_at_no_later_task(changes, key):
    options = {"feature_scaling": "l2", "semantic_scaling": "l2", **changes}
    assert key in problems(XLSA17TasksConf(name="x", root="nowhere", **options))


@pytest.mark.parametrize(
    ("changes", "key", "found"),
    [
        ({"n_tasks": 151}, "n_tasks", "at most 150"),
        ({"n_tasks": 201, "task_setting": "static"}, "n_tasks", "at most 200"),
        ({"n_tasks": 10, "first_task_classes": 142}, "first_task_classes", "1 to 141"),
        ({"class_order": list(range(150))}, "class_order", r"0\.\.199"),
    ],
)
def test_what_does_not_fit_a_published_set_is_refused_before_a_run(changes, key, found):
    options = {"feature_scaling": "l2", "semantic_scaling": "l2", "expected_classes": [150, 50], **changes}
    message = problems(XLSA17TasksConf(name="x", root="nowhere", **options))
    assert list(message) == [key]
    assert re.search(found, message[key])


@pytest.mark.parametrize(
    "changes",
    [
        {"n_tasks": 150},
        {"n_tasks": 200, "task_setting": "static"},
        {"class_order": list(reversed(range(200)))},
        {"n_tasks": 151, "expected_classes": None},
    ],
)
def test_what_fits_a_published_set_is_not_refused(changes):
    options = {"feature_scaling": "l2", "semantic_scaling": "l2", "expected_classes": [150, 50], **changes}
    assert problems(XLSA17TasksConf(name="x", root="nowhere", **options)) == {}
