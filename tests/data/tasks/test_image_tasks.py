"""Images whose classes arrive in tasks."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zsl_runner.data.images.folds import ImageView
from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.records import Provenance
from zsl_runner.data.sources.digits.conf import SplitDigitsConf
from zsl_runner.data.tasks.folds import TaskRows, TaskShape, TaskTraining
from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.data.tasks.stages import ImageTaskStages
from zsl_runner.errors import DataError

CLASSES, ROWS = 6, 9


def records(seed=0):
    """Images whose first pixel is the number of their row."""
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(CLASSES), ROWS))
    images = np.zeros((len(labels), 1, 2, 2), np.uint8)
    images[:, 0, 0, 0] = np.arange(len(labels))
    members = np.stack([np.flatnonzero(labels == label) for label in range(CLASSES)])
    return ImageRecords(
        name="pictures",
        images=images,
        labels=labels,
        class_names=tuple("abcdef"),
        labelled=np.sort(members[:, :5].ravel()),
        train=np.sort(members[:, :5].ravel()),
        validation=np.sort(members[:, 5:7].ravel()),
        test=np.sort(members[:, 7:].ravel()),
        provenance=Provenance("generated", "pictures", "none", "own"),
    )


def stages(data, **options):
    return ImageTaskStages(data, SplitDigitsConf(name="d", **options), torch.device("cpu"))


def row_numbers(rows):
    pixels = rows.rows.take(torch.arange(len(rows)))[:, 0, 0, 0]
    return (pixels * (255 if pixels.is_floating_point() else 1)).round().long().numpy()


@settings(max_examples=30)
@given(order=st.permutations(range(CLASSES)), tasks=st.integers(1, CLASSES), evaluated=st.sampled_from(["val", "test"]))
def test_rows_are_those_of_the_split_with_classes_in_the_order_of_tasks(order, tasks, evaluated):
    data = records()
    cutter = stages(data, class_order=list(order), n_tasks=tasks)
    fold = cutter.cut("fit") if evaluated == "val" else cutter.tested("fit")
    assert fold.evaluation.name == evaluated
    assert fold.evaluation.class_names == tuple("abcdef"[label] for label in order)
    for rows, split in ((fold.train.data, data.train), (fold.evaluation.data, data.splits()[evaluated])):
        numbers = row_numbers(rows)
        assert sorted(numbers) == split.tolist()
        assert [order[label] for label in rows.labels] == data.labels[numbers].tolist()
        for task in range(tasks):
            wanted = {order[label] for label in fold.train.order.of(task)}
            of_task = numbers[rows.positions_of(fold.train.order.of(task)).numpy()]
            assert sorted(of_task) == [row for row in split if data.labels[row] in wanted]


def test_folds_share_no_row_and_tune_is_fit_without_test():
    cutter = stages(records(), n_tasks=3)
    fit, tested, tune = cutter.cut("fit"), cutter.tested("fit"), cutter.cut("tune")
    parts = [set(row_numbers(rows)) for rows in (fit.train.data, fit.evaluation.data, tested.evaluation.data)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == CLASSES * ROWS
    assert row_numbers(tune.evaluation.data).tolist() == row_numbers(fit.evaluation.data).tolist()
    assert row_numbers(tested.train.data).tolist() == row_numbers(fit.train.data).tolist()
    with pytest.raises(ValueError, match="tune"):
        cutter.tested("tune")
    with pytest.raises(ValueError, match="final"):
        cutter.cut("final")


def test_a_seed_draws_the_order_of_classes():
    names = {seed: stages(records(), class_order_seed=seed).cut("fit").evaluation.class_names for seed in range(5)}
    assert names[0] == stages(records(), class_order_seed=0).cut("fit").evaluation.class_names
    assert len(set(names.values())) > 1
    assert {"".join(sorted(found)) for found in names.values()} == {"abcdef"}


def test_the_first_task_may_be_larger():
    order = stages(records(), n_tasks=3, first_task_classes=4).cut("fit").train.order
    assert order.sizes == (4, 1, 1)


def test_test_images_have_no_part_in_training():
    data = records()
    other = dataclasses.replace(data, images=data.images.copy(), labels=data.labels.copy())
    other.images[data.test] = 255
    other.labels[data.test] = np.roll(other.labels[data.test], 3)
    mine, changed = (stages(found, n_tasks=3).cut("fit") for found in (data, other))
    for part in ("train", "evaluation"):
        rows, others = getattr(mine, part).data, getattr(changed, part).data
        assert torch.equal(rows.labels, others.labels)
        assert row_numbers(rows).tolist() == row_numbers(others).tolist()


@pytest.mark.parametrize("rows", [1, 6, 10, 1000])
def test_a_limited_set_has_some_rows_of_each_class(rows):
    whole = stages(records(), n_tasks=3).cut("fit").train
    part = whole.limited(rows)
    assert set(part.data.labels.tolist()) == set(range(CLASSES))
    assert min(rows, len(whole.data)) <= len(part.data) <= min(rows + CLASSES, len(whole.data))
    labels = dict(zip(row_numbers(whole.data).tolist(), whole.data.labels.tolist(), strict=True))
    assert [labels[row] for row in row_numbers(part.data)] == part.data.labels.tolist()
    assert part.shape == whole.shape


def test_a_limited_set_is_the_rows_at_even_distances_and_the_first_of_each_class():
    """Of nine rows 0, 4 and 8 are at even distances; the classes 0, 1 and 2 are met first in rows 0, 2 and 6."""
    labels = torch.tensor([0, 0, 1, 1, 0, 0, 2, 2, 1])
    images = torch.arange(9, dtype=torch.uint8).reshape(9, 1, 1, 1)
    rows = TaskRows(ImageView(images, torch.arange(9)), labels)
    part = TaskTraining(rows, TaskShape((1, 1, 1), TaskOrder((2, 1)))).limited(3)
    assert part.data.labels.tolist() == [0, 1, 0, 2, 1]
    assert row_numbers(part.data).tolist() == [0, 2, 4, 6, 8]


def without(data, split, labels):
    rows = getattr(data, split)
    return dataclasses.replace(data, **{split: rows[~np.isin(data.labels[rows], labels)]})


def test_a_class_without_training_images_is_named():
    with pytest.raises(DataError, match=r"^pictures: expected training rows of each class, found none of b, e$"):
        stages(without(records(), "train", [1, 4]), n_tasks=3)


@pytest.mark.parametrize(("split", "name"), [("validation", "val"), ("test", "test")])
def test_a_task_without_rows_to_evaluate_is_refused_before_the_run(split, name):
    with pytest.raises(DataError, match=f"^pictures: expected {name} rows of each task, .* none of its classes c, d"):
        stages(without(records(), split, [2, 3]), n_tasks=3)


def test_a_task_with_rows_of_one_of_its_classes_is_evaluated_on_these():
    fold = stages(without(records(), "test", [2]), n_tasks=3).tested("fit")
    assert set(fold.evaluation.data.labels.tolist()) == {0, 1, 3, 4, 5}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"n_tasks": 7}, "at most 6"),
        ({"n_tasks": 3, "first_task_classes": 5}, "1 to 4"),
        ({"class_order": [0]}, "once"),
    ],
)
def test_tasks_that_do_not_fit_the_classes_are_refused(options, found):
    with pytest.raises(DataError, match=found):
        stages(records(), **options)
