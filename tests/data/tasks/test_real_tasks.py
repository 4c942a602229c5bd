"""Sizes of the tasks of published data sets, where they are."""

import numpy as np
import pytest
import torch

from tests.slow import slow_if
from zsl_runner.config.schema import TrainerConf
from zsl_runner.data.command.chosen import chosen
from zsl_runner.data.load import load
from zsl_runner.data.tasks.stages import image_tasks, zero_shot_tasks

CPU = torch.device("cpu")
PUBLISHED = {
    # folder, seen and unseen classes of each task, rows of trainval, test_seen, test_unseen
    "cub_tasks": ("CUB", (15,) * 10, (5,) * 10, (7057, 1764, 2967)),
    "awa1_tasks": ("AWA1", (8,) * 5, (2,) * 5, (19832, 4958, 5685)),
    "flo89_tasks": ("FLO89", (8,) * 8 + (7,), (2,) * 9, (3554, 887, 1102)),
}


@pytest.fixture
def cut(real_data, monkeypatch, tmp_path):
    monkeypatch.setenv("ZSL_CACHE", str(tmp_path))

    def fold(name, folder, *overrides):
        real_data("xlsa17", folder)
        conf = chosen(name, overrides)
        records = load(conf)
        return records, zero_shot_tasks(records, conf, TrainerConf(), CPU).tested("final")

    return fold


@pytest.mark.parametrize("name", slow_if(["awa1_tasks"], PUBLISHED))
def test_dynamic_tasks(cut, name):
    folder, sizes, unseen, rows = PUBLISHED[name]
    _, fold = cut(name, folder)
    evaluation = fold.evaluation
    assert fold.train.order.sizes == evaluation.order.sizes == sizes
    assert evaluation.unseen.order.sizes == unseen
    assert (len(fold.train.data), len(evaluation.data), len(evaluation.unseen.data)) == rows


@pytest.mark.parametrize("name", slow_if(["awa1_tasks", "flo89_tasks"], PUBLISHED))
def test_static_tasks(cut, name):
    records, fold = cut(name, PUBLISHED[name][0], "dataset.task_setting=static")
    kept, held = (
        np.bincount(rows.labels, minlength=len(records.class_vectors))
        for rows in (fold.train.data, fold.evaluation.data)
    )
    assert kept.sum() + held.sum() == len(records.labels)
    np.testing.assert_array_equal(held, np.round((kept + held) / 5))
    sizes = fold.train.order.sizes
    assert sum(sizes) == len(records.class_vectors)
    assert max(sizes) - min(sizes) <= 1


def test_mnist(real_data):
    real_data("mnist")
    conf = chosen("split_mnist")
    fold = image_tasks(load(conf), conf, TrainerConf(), CPU).tested("fit")
    assert fold.train.order.sizes == (2,) * 5
    # The official test file, counted elsewhere.
    assert np.bincount(fold.evaluation.data.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert len(fold.train.data) == 60_000 - conf.validation_rows
