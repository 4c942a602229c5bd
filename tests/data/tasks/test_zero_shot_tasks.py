"""Tasks of zero-shot data, in the dynamic and in the static setting."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import make_records
from tests.zero_shot import zero_shot_folds
from zsl_runner.data.sources.xlsa17.conf import XLSA17TasksConf
from zsl_runner.data.tasks.stages import StaticFolds, ZeroShotTaskStages
from zsl_runner.data.zero_shot.folds import ZeroShotFolds
from zsl_runner.errors import DataError

CPU = torch.device("cpu")
SEEN, UNSEEN, ROWS = 6, 3, 30
CLASSES = SEEN + UNSEEN


def small():
    """Six seen and three unseen classes with ids in any order; the first feature is the number of a row."""
    found = make_records(seen=SEEN, unseen=UNSEEN, rows=ROWS)
    ids = np.array([4, 0, 8, 2, 6, 3, 7, 1, 5])
    vectors, names = np.empty_like(found.class_vectors), np.empty(CLASSES, object)
    vectors[ids], names[ids] = found.class_vectors, found.class_names
    features = found.features.copy()
    features[:, 0] = np.arange(len(features))
    return dataclasses.replace(
        found,
        features=features,
        labels=ids[found.labels],
        class_vectors=vectors,
        class_names=tuple(names),
        seen_classes=np.sort(ids[:SEEN]),
        unseen_classes=np.sort(ids[SEEN:]),
        validation_classes=np.sort(ids[4:SEEN]),
    )


def stages(records, setting="dynamic", **options):
    conf = XLSA17TasksConf(name="x", root="nowhere", task_setting=setting, **options)
    kind = StaticFolds if setting == "static" else ZeroShotFolds
    return ZeroShotTaskStages(zero_shot_folds(records, kind), conf)


def test_doubts_are_of_what_tasks_measure():
    """T1 is not measured, and the static setting has neither validation classes nor the test rows of the files."""
    records = small()
    vectors = records.class_vectors.copy()
    vectors[3] = vectors[5]
    untested = records.test_seen[records.labels[records.test_seen] != 8]
    records = dataclasses.replace(
        records,
        class_vectors=vectors,
        test_seen=untested,
        validation_classes=records.validation_classes[:1],
        unseen_classes=records.unseen_classes[:1],
    )
    assert len(records.doubts()) == 4
    doubts = {
        s: XLSA17TasksConf(name="x", root="y", task_setting=s).doubts_in_use(records) for s in ("dynamic", "static")
    }
    (same,) = doubts["static"]
    assert "have the same class vector" in same
    assert doubts["dynamic"] == [
        f"test_seen has no row of {records.class_names[8]}: test/S and test/H leave these seen classes out",
        same,
    ]


def row_numbers(rows):
    return rows.rows.take(torch.arange(len(rows)))[:, 0].long().numpy()


def every_set(fold):
    found = [fold.train.data, fold.evaluation.data]
    return found + ([] if fold.evaluation.unseen is None else [fold.evaluation.unseen.data])


def check_labels(fold, records):
    """Names, vectors and rows of a class are those of its number in the order of tasks."""
    names, vectors = fold.evaluation.class_names, fold.evaluation.class_vectors
    ids = [records.class_names.index(name) for name in names]
    assert len(set(ids)) == len(ids)
    assert torch.equal(vectors, torch.from_numpy(records.class_vectors[ids]))
    assert torch.equal(fold.train.class_vectors, vectors)
    for rows in every_set(fold):
        assert [ids[label] for label in rows.labels] == records.labels[row_numbers(rows)].tolist()
    return ids


@settings(max_examples=30)
@given(order=st.permutations(range(CLASSES)), tasks=st.integers(1, 4), setting=st.sampled_from(["dynamic", "static"]))
@pytest.mark.parametrize("stage", ["tune", "final"])
def test_classes_come_in_the_order_that_is_given(stage, order, tasks, setting):
    records = small()
    fold = stages(records, setting, n_tasks=tasks, class_order=list(order)).cut(stage)
    ids = check_labels(fold, records)
    trained = set(records.labels[row_numbers(fold.train.data)])
    assert ids[: len(trained)] == [label for label in order if label in trained]
    assert set(ids[: len(trained)]) == trained
    assert ids[len(trained) :] == [label for label in order if label in set(ids) - trained]
    assert fold.train.order == fold.evaluation.order
    assert fold.train.order.classes == len(trained)


def test_dynamic_final_rows_are_those_of_the_published_split():
    records = small()
    fold = stages(records, n_tasks=3).cut("final")
    assert fold.evaluation.name == "test"
    assert fold.evaluation.setting == "dynamic"
    for rows, split in zip(every_set(fold), (records.trainval, records.test_seen, records.test_unseen), strict=True):
        assert sorted(row_numbers(rows)) == split.tolist()
    assert fold.train.order.sizes == (2, 2, 2)
    assert fold.evaluation.unseen.order.sizes == (1, 1, 1)
    assert set(fold.evaluation.unseen.data.labels.tolist()) == {6, 7, 8}


def test_dynamic_tune_rows_are_of_training_alone():
    records = small()
    fold = stages(records, n_tasks=2).cut("tune")
    training, held, unseen = (set(row_numbers(rows).tolist()) for rows in every_set(fold))
    assert fold.evaluation.name == "val"
    assert not training & held
    assert training | held | unseen == set(records.trainval.tolist())
    assert set(records.labels[list(unseen)]) == set(records.validation_classes.tolist())
    assert not set(records.labels[list(training | held)]) & set(records.validation_classes.tolist())
    assert fold.train.order.sizes == (2, 2)
    assert fold.evaluation.unseen.order.sizes == (1, 1)


def test_fewer_unseen_classes_than_tasks_come_in_the_first_ones():
    evaluation = stages(small(), n_tasks=5).cut("final").evaluation
    assert evaluation.order.sizes == (2, 1, 1, 1, 1)
    assert evaluation.unseen.order.sizes == (1, 1, 1, 0, 0)


def test_static_keeps_a_fifth_of_the_rows_of_each_class_for_testing():
    records = small()
    fold = stages(records, "static", n_tasks=3).cut("final")
    check_labels(fold, records)
    train, test = row_numbers(fold.train.data), row_numbers(fold.evaluation.data)
    assert sorted([*train, *test]) == list(range(len(records.labels)))
    assert np.bincount(records.labels[train]).tolist() == [ROWS * 4 // 5] * CLASSES
    assert np.bincount(records.labels[test]).tolist() == [ROWS // 5] * CLASSES
    assert fold.evaluation.unseen is None
    assert fold.evaluation.setting == "static"
    assert fold.train.order.sizes == (3, 3, 3)
    again = stages(records, "static", n_tasks=5, class_order_seed=3).tested("final")
    assert sorted(row_numbers(again.evaluation.data)) == sorted(test)  # of the data, not of the order


def test_static_tune_holds_out_training_rows_of_each_class():
    records = small()
    cutter = stages(records, "static", n_tasks=3)
    final, tune = cutter.cut("final"), cutter.cut("tune")
    kept, held = row_numbers(tune.train.data), row_numbers(tune.evaluation.data)
    assert sorted([*kept, *held]) == sorted(row_numbers(final.train.data))
    assert set(records.labels[kept]) == set(records.labels[held]) == set(range(CLASSES))
    assert tune.evaluation.name == "val"


@pytest.mark.parametrize("setting", ["dynamic", "static"])
@pytest.mark.parametrize("stage", ["tune", "final"])
def test_rows_for_testing_have_no_part_in_training(setting, stage):
    records = small()
    options = {"n_tasks": 2, "class_order_seed": 1}
    fold = stages(records, setting, **options).cut(stage)
    tested = stages(records, setting, **options).tested("final")
    outside = np.concatenate([row_numbers(rows) for rows in every_set(tested)[1:]])
    assert not set(outside) & set(row_numbers(fold.train.data))
    features = records.features.copy()
    features[outside] += 1e5
    other = stages(dataclasses.replace(records, features=features), setting, **options).cut(stage)
    positions = torch.arange(len(fold.train.data))
    assert torch.equal(fold.train.data.rows.take(positions), other.train.data.rows.take(positions))
    assert torch.equal(fold.train.data.labels, other.train.data.labels)
    assert torch.equal(fold.train.class_vectors, other.train.class_vectors)


def test_only_the_final_stage_is_tested():
    cutter = stages(small(), n_tasks=2)
    with pytest.raises(ValueError, match="reads no test rows"):
        cutter.tested("tune")
    with pytest.raises(ValueError, match="unknown stage"):
        cutter.cut("fit")


@pytest.mark.parametrize("setting", ["dynamic", "static"])
@pytest.mark.parametrize(
    ("order", "found"),
    [
        (range(8), "8 missing"),
        (range(10), "9 no class of the data"),
        ([0, 1, 2, 3, 4, 5, 6, 7, 7], "8 missing; 7 in two tasks"),
    ],
)
def test_an_order_of_other_classes_is_refused(setting, order, found):
    with pytest.raises(DataError, match=f"dataset.class_order: expected each of the 9 classes once, found {found}"):
        stages(small(), setting, n_tasks=2, class_order=list(order))


@pytest.mark.parametrize(("setting", "tasks", "most"), [("dynamic", 7, 6), ("static", 10, 9)])
def test_more_tasks_than_classes_are_refused(setting, tasks, most):
    with pytest.raises(DataError, match=rf"dataset\.n_tasks: expected at most {most}, .* found {tasks}"):
        stages(small(), setting, n_tasks=tasks)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"n_tasks": 5}, r"n_tasks: expected at most 4, one class in each task, found 5"),
        ({"n_tasks": 2, "first_task_classes": 4}, r"first_task_classes: expected 1 to 3, .*, found 4"),
    ],
)
def test_more_than_training_classes_are_refused_when_validation_rows_are_cut(options, expected):
    """The data set has more classes, so the message has to say which stage leaves some of them out."""
    cutter = stages(small(), **options)
    left = "the tune stage has 4 classes beside the 2 validation classes"
    remedy = r"fewer dataset\.validation_classes or evaluator\.stages=\[final\]"
    with pytest.raises(DataError, match=rf"dataset\.{expected}; {left}; .*{remedy}"):
        cutter.cut("tune")


def dropped(records, split, label):
    rows = getattr(records, split)
    return dataclasses.replace(records, **{split: rows[records.labels[rows] != label]})


def test_what_rows_a_task_lacks_is_said_before_the_run():
    records = small()
    label = records.seen_classes[0]
    name = records.class_names[label]
    for split, found in (
        ("trainval", f"small: expected training rows of each class, found none of {name}"),
        ("test_seen", f"small: expected test rows of each task, found none of its classes {name};"),
    ):
        with pytest.raises(DataError, match=found):
            stages(dropped(records, split, label), n_tasks=SEEN)
    with pytest.raises(DataError, match=f"found none of its classes {records.class_names[records.unseen_classes[2]]}"):
        stages(dropped(records, "test_unseen", records.unseen_classes[2]), n_tasks=SEEN)
    stages(dropped(records, "test_seen", label), n_tasks=2)  # the task has rows of other classes


def test_a_static_task_whose_class_has_one_row_alone_is_refused():
    records = small()
    label = records.seen_classes[0]
    rows = [split[records.labels[split] != label] for split in (records.trainval, records.test_seen)]
    lonely = dataclasses.replace(
        records, trainval=np.sort([*rows[0], np.flatnonzero(records.labels == label)[0]]), test_seen=rows[1]
    )
    with pytest.raises(DataError, match=f"test rows of each task, found none of its classes {records.class_names[0]}"):
        stages(lonely, "static", n_tasks=CLASSES)


@pytest.mark.parametrize("setting", ["dynamic", "static"])
def test_a_limited_set_has_rows_of_each_class(setting):
    train = stages(small(), setting, n_tasks=2).cut("final").train
    part = train.limited(4)
    assert set(part.data.labels.tolist()) == set(range(train.order.classes))
    assert set(row_numbers(part.data)) <= set(row_numbers(train.data))
    assert torch.equal(part.class_vectors, train.class_vectors)
