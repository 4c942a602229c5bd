"""Seen and unseen classes after each task, recomputed row by row."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from tests.slow import slow_if
from tests.task_data import OPTIM, task_fold, task_trainer, task_training, train
from tests.weights import same, weights_of
from zsl_runner.data.tasks.folds import TaskRows
from zsl_runner.evaluation.continual.conf import ContinualZeroShotEvaluatorConf
from zsl_runner.evaluation.continual.zero_shot import ContinualZeroShotEvaluator
from zsl_runner.evaluation.metrics import harmonic_mean
from zsl_runner.trainers.continual.conf import FinetuneConf, LwFConf
from zsl_runner.trainers.continual.options import AuxiliaryConf

LENGTH = {"iterations": 25, "epochs": None, "batch_size": 16, "optim": OPTIM}
A_LWF = LwFConf(weight=1.0, auxiliary_weight=1.0, **LENGTH, auxiliary=AuxiliaryConf(optim=OPTIM))
SEEN_COUNTS, UNSEEN_COUNTS = (7, 12, 3, 9, 11, 5), (6, 1, 14)


def fold_of(setting="dynamic", sizes=(2, 2, 2), later=(1, 1, 1)):
    training = task_training(sizes, vectors=True)
    counts = SEEN_COUNTS + (UNSEEN_COUNTS if setting == "dynamic" else ())
    return task_fold(training, counts, setting, later if setting == "dynamic" else None)


def measure(trainer, fold, batch_size=4096):
    evaluator = ContinualZeroShotEvaluator(ContinualZeroShotEvaluatorConf(batch_size=batch_size), 0)
    return evaluator.measure(trainer.model, fold, {})


def accuracy(network, rows, classes, candidates):
    """Return the mean over these classes of the accuracy of their rows among the candidates, row by row."""
    of_class = []
    for label in classes:
        right = []
        for position in (rows.labels == label).nonzero().flatten():
            row = rows.rows.take(position[None])
            with torch.no_grad():
                places = network.classes(network.class_vectors[list(candidates)])
                cosines = torch.cosine_similarity(network.rows(row), places)
            right.append(candidates[int(cosines.argmax())] == label)
        of_class.append(np.mean(right))
    return 100 * float(np.mean(of_class))


def area(network, seen_rows, unseen_rows, seen, unseen):
    """Return the area under U over S, in per cent, from decisions under offsets beside every difference of scores."""
    scores, labels = [], []
    for rows, classes in ((seen_rows, seen), (unseen_rows, unseen)):
        positions = torch.isin(rows.labels, torch.tensor(classes)).nonzero().flatten()
        with torch.no_grad():
            x = network.rows(rows.rows.take(positions))
            places = network.classes(network.class_vectors[[*seen, *unseen]])
        scores.append(torch.cosine_similarity(x[:, None], places, dim=2).double())
        labels.append(rows.labels[positions])
    gaps = torch.cat([of[:, : len(seen), None] - of[:, None, len(seen) :] for of in scores]).unique()
    bonus = torch.cat([torch.ones(len(seen)), torch.zeros(len(unseen))]).double()
    points = []
    for offset in [gaps[0] - 1, *((gaps[1:] + gaps[:-1]) / 2), gaps[-1] + 1]:
        decided = [torch.tensor([*seen, *unseen])[(of - offset * bonus).argmax(1)] for of in scores]
        of_class = [
            [float((found[truth == label] == label).double().mean()) for label in classes]
            for found, truth, classes in zip(decided, labels, (seen, unseen), strict=True)
        ]
        points.append([np.mean(values) for values in of_class])
    s, u = np.array(points).T
    return 100 * float(np.sum((s[:-1] - s[1:]) * (u[:-1] + u[1:]) / 2))


def expected(trainer, fold, task):
    """Return S, U, the accuracies on tasks and AUSUC of the network as after a task."""
    network = copy.deepcopy(trainer.model.main)
    vector_to_parameters(trainer.model.snapshots[task].clone(), network.parameters())
    data = fold.evaluation
    seen = list(data.order.until(task))
    if data.setting == "static":
        unseen, rows = list(range(len(seen), data.order.classes)), data.data
    else:
        so_far = sum(data.unseen.order.sizes[: task + 1])
        unseen, rows = list(range(data.order.classes, data.order.classes + so_far)), data.unseen.data
    found_seen = accuracy(network, data.data, seen, seen + unseen)
    found_unseen = accuracy(network, rows, unseen, seen + unseen) if unseen else np.nan
    tasks = [accuracy(network, data.data, data.order.of(earlier), seen) for earlier in range(task + 1)]
    found_area = area(network, data.data, rows, seen, unseen) if unseen else np.nan
    return found_seen, found_unseen, tasks, found_area


def learned_by_auxiliary(trainer, data, task):
    """Return the accuracy of a task's auxiliary network on its classes, among those so far."""
    network = copy.deepcopy(trainer.model.main)
    vector_to_parameters(trainer.model.auxiliaries[task].clone(), network.parameters())
    return accuracy(network, data.data, data.order.of(task), list(data.order.until(task)))


@pytest.mark.parametrize(
    "conf",
    [pytest.param(FinetuneConf(**LENGTH), marks=pytest.mark.slow, id="finetune"), pytest.param(A_LWF, id="a_lwf")],
)
@pytest.mark.parametrize(
    ("setting", "later"),
    slow_if(
        [("dynamic", (1, 1, 1)), ("dynamic", (3, 0, 0))],
        [("dynamic", (1, 1, 1)), ("dynamic", (2, 1, 0)), ("dynamic", (3, 0, 0)), ("static", None)],
    ),
)
def test_steps_matrix_and_metrics_are_those_of_the_rows(conf, setting, later):
    fold = fold_of(setting, later=later)
    trainer = task_trainer(conf, fold.train)
    train(trainer)
    measurement = measure(trainer, fold)
    steps = [expected(trainer, fold, task) for task in range(3)]
    seen, unseen, areas = ([step[place] for step in steps] for place in (0, 1, 3))
    harmonic = [harmonic_mean(u, s) if not np.isnan(u) else np.nan for s, u in zip(seen, unseen, strict=True)]
    course = measurement.details.steps
    for name, values in {"S": seen, "U": unseen, "H": harmonic, "AUSUC": areas}.items():
        np.testing.assert_allclose(course[name], values)
    matrix = measurement.details.matrices["acc_tag"]
    for task, (_, _, values, _) in enumerate(steps):
        np.testing.assert_allclose(matrix[task, : task + 1], values)
        assert np.isnan(matrix[task, task + 1 :]).all()
    wanted = {
        "S": seen[-1],
        "U": unseen[-1],
        "H": harmonic[-1],
        "AUSUC": areas[-1],
        "mS": np.mean(seen),
        "mU": np.nanmean(unseen),
        "mH": np.nanmean(harmonic),
        "mAUSUC": np.nanmean(areas),
        "avg_acc_tag": np.mean(steps[-1][2]),
        "avg_inc_acc_tag": np.mean([np.mean(step[2]) for step in steps]),
        "forg_tag": np.mean([max(steps[k][2][j] for k in range(j, 2)) - steps[2][2][j] for j in range(2)]),
        "bwt_tag": np.mean([steps[2][2][j] - steps[j][2][j] for j in range(2)]),
        "plasticity_tag": np.mean([steps[k][2][k] for k in (1, 2)]),
        "stability_tag": np.mean(steps[2][2][:2]),
    }
    if conf is A_LWF:
        free = [learned_by_auxiliary(trainer, fold.evaluation, task) for task in (1, 2)]
        wanted["intransigence_tag"] = np.mean([free[k - 1] - steps[k][2][k] for k in (1, 2)])
    found = {tag: value for tag, value in measurement.metrics.items() if "distance" not in tag}
    assert found == pytest.approx({f"test/{name}": value for name, value in wanted.items() if not np.isnan(value)})
    assert ("test/distance_auxiliary" in measurement.metrics) == (conf is A_LWF)


def test_after_the_last_task_of_the_static_setting_no_class_is_unseen():
    fold = fold_of("static")
    trainer = task_trainer(FinetuneConf(**LENGTH), fold.train)
    train(trainer)
    measurement = measure(trainer, fold)
    unseen, harmonic = ([line[place] for line in measurement.tables["zero_shot"].values] for place in (1, 2))
    assert unseen[-1] is None
    assert harmonic[-1] is None
    assert not {"test/U", "test/H", "test/AUSUC"} & set(measurement.metrics)
    assert measurement.metrics["test/mU"] == pytest.approx(sum(unseen[:2]) / 2)
    assert measurement.metrics["test/mH"] == pytest.approx(sum(harmonic[:2]) / 2)
    assert measurement.metrics["test/mS"] == pytest.approx(
        sum(line[0] for line in measurement.tables["zero_shot"].values) / 3
    )


@pytest.mark.parametrize("setting", ["dynamic", "static"])
def test_one_task_alone(setting):
    fold = fold_of(setting, sizes=(6,), later=(3,))
    trainer = task_trainer(FinetuneConf(**LENGTH), fold.train)
    train(trainer)
    names = {tag.removeprefix("test/") for tag in measure(trainer, fold).metrics}
    unseen = {"U", "H", "AUSUC", "mU", "mH", "mAUSUC"} if setting == "dynamic" else set()
    assert names == {"S", "mS", "avg_acc_tag", "avg_inc_acc_tag"} | unseen


def test_a_class_counts_as_much_as_any_other_however_many_rows_it_has():
    """Twice the rows of one unseen class, the same again, leave every figure as it is."""
    fold = fold_of(later=(3, 0, 0))
    trainer = task_trainer(FinetuneConf(**LENGTH), fold.train)
    train(trainer)
    rows = fold.evaluation.unseen.data
    positions = torch.cat([torch.arange(len(rows)), rows.positions_of(range(6, 7))])
    twice = TaskRows(rows.rows.part(positions), rows.labels[positions])
    unseen = dataclasses.replace(fold.evaluation.unseen, data=twice)
    changed = dataclasses.replace(fold, evaluation=dataclasses.replace(fold.evaluation, unseen=unseen))
    assert measure(trainer, changed).metrics == pytest.approx(dict(measure(trainer, fold).metrics))


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("setting", ["dynamic", "static"])
def test_blocks_change_nothing(setting, batch_size):
    fold = fold_of(setting)
    trainer = task_trainer(A_LWF, fold.train)
    train(trainer)
    assert measure(trainer, fold, batch_size).metrics == pytest.approx(dict(measure(trainer, fold).metrics))


@pytest.mark.parametrize("setting", ["dynamic", "static"])
def test_on_the_way_tasks_so_far_are_measured_and_nothing_is_changed(setting):
    fold = fold_of(setting)
    trainer = task_trainer(A_LWF, fold.train)
    nothing = measure(trainer, fold)
    assert "test/S" in nothing.metrics
    assert "test/forg_tag" not in nothing.metrics
    train(trainer, until="task_2")
    phase = {phase.name: phase for phase in trainer.phases()}["task_2"]
    if phase.begin is not None:
        phase.begin()
    phase.step()
    before, of_torch = weights_of(trainer), torch.get_rng_state()
    modes = [part.training for part in trainer.model.modules()]
    measurement = measure(trainer, fold)
    assert len(measurement.details.steps["S"]) == 2
    assert "test/intransigence_tag" not in measurement.metrics
    assert measurement.details.matrices["acc_tag"].shape == (2, 3)
    assert same(before, trainer.model.state_dict())
    assert [part.training for part in trainer.model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), of_torch)
    trainer.model.snapshots[1] = parameters_to_vector(trainer.model.main.parameters()).detach()
    np.testing.assert_allclose([measurement.details.steps[name][1] for name in "SU"], expected(trainer, fold, 1)[:2])
