"""Accuracies on tasks after tasks, recomputed row by row."""

import copy
import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from tests.task_data import OPTIM, task_fold, task_trainer, task_training, train
from tests.weights import same, weights_of
from zsl_runner.errors import NonFiniteError
from zsl_runner.evaluation.continual.conf import ContinualEvaluatorConf
from zsl_runner.evaluation.continual.evaluator import ContinualEvaluator
from zsl_runner.evaluation.continual.figures import accuracy_plane, axes_of, similarities
from zsl_runner.evaluation.continual.metrics import intransigence, summary
from zsl_runner.objectives.similarity import linear_cka
from zsl_runner.trainers.continual.conf import FinetuneConf, ICaRLConf, JointConf, LwFConf
from zsl_runner.trainers.continual.options import AuxiliaryConf

LENGTH = {"iterations": 25, "epochs": None, "batch_size": 16, "optim": OPTIM}
HELD = LENGTH | {"auxiliary": AuxiliaryConf(optim=OPTIM)}
COUNTS = (7, 12, 3, 9, 11, 5)
METHODS = {
    "finetune": FinetuneConf(**LENGTH, scenario="cil"),
    "joint": JointConf(**LENGTH),
    "lwf": LwFConf(weight=1.0, **HELD),
    "a_lwf": LwFConf(weight=1.0, auxiliary_weight=1.0, **HELD),
    "icarl": ICaRLConf(weight=1.0, memory=30, **HELD),
    "a_icarl": ICaRLConf(weight=1.0, memory=30, auxiliary_weight=1.0, **HELD),
}


def fold_of(sizes=(2, 2, 2), counts=COUNTS):
    return task_fold(task_training(sizes), counts)


def measure(trainer, fold, batch_size=4096):
    conf = ContinualEvaluatorConf(batch_size=batch_size)
    return ContinualEvaluator(conf, 0).measure(trainer.model, fold, {})


def network_with(trainer, vector):
    network = copy.deepcopy(trainer.model.main)
    vector_to_parameters(vector.clone(), network.parameters())
    return network


def layers_of(trainer, vector, x):
    with torch.no_grad():
        return network_with(trainer, vector).layers(x)


def decide(network, row, classes, prototypes=None):
    """Return the class of one row, by the largest logit or the nearest class mean."""
    with torch.no_grad():
        if prototypes is None:
            return classes[int(network(row[None], classes).argmax())]
        place = network.represent(row[None])[0]
        place = place / place.norm()
        return classes[int(np.argmin([(place - prototypes[label]).norm() for label in classes]))]


def by_rows(network, evaluation, task, prototypes=None):
    """Return (task + 1,) accuracies with the head given and among all classes so far, row by row."""
    order, right, counts = evaluation.order, np.zeros((2, task + 1)), np.zeros(task + 1)
    for position, label in enumerate(evaluation.data.labels.tolist()):
        own = order.task_of_class[label]
        if own > task:
            continue
        row = evaluation.data.rows.take(torch.tensor([position]))[0]
        counts[own] += 1
        right[0, own] += decide(network, row, order.of(own), prototypes) == label
        right[1, own] += decide(network, row, order.until(task), prototypes) == label
    return 100 * right / counts


@pytest.mark.parametrize("name", METHODS)
def test_matrices_and_metrics_are_those_of_the_rows(name):
    fold = fold_of()
    trainer = task_trainer(METHODS[name], fold.train)
    kept = {}
    for phase in trainer.phases():
        if phase.begin is not None:
            phase.begin()
        for _ in range(phase.steps):
            phase.step()
        if phase.end is not None:
            phase.end()
        if phase.name in ("task_1", "task_2", "task_3"):
            kept[phase.name] = parameters_to_vector(trainer.model.main.parameters()).detach().clone()
    measurement = measure(trainer, fold)
    model, metrics = trainer.model, measurement.metrics
    means = model.prototypes if "icarl" in name else [None] * 3
    expected = np.full((2, 3, 3), np.nan)
    for task, vector in enumerate(kept.values()):
        expected[:, task, : task + 1] = by_rows(network_with(trainer, vector), fold.evaluation, task, means[task])
    for kind, matrix in zip(("taw", "tag"), expected, strict=True):
        np.testing.assert_allclose(measurement.details.matrices[f"acc_{kind}"], matrix)
        table = measurement.tables[f"acc_{kind}"]
        values = [[None if np.isnan(value) else pytest.approx(value) for value in line] for line in matrix]
        assert [list(line) for line in table.values] == values
        assert table.columns == ("task 1", "task 2", "task 3")
        assert table.rows == ("after task 1", "after task 2", "after task 3")
        for metric, value in summary(matrix).items():
            assert metrics[f"test/{metric}_{kind}"] == pytest.approx(value)
        has_auxiliary = name.startswith("a_")
        assert (f"test/intransigence_{kind}" in metrics) == has_auxiliary
        if has_auxiliary:
            place = ("taw", "tag").index(kind)
            plastic = [np.nan] + [
                by_rows(network_with(trainer, model.auxiliaries[task]), fold.evaluation, task)[place, task]
                for task in (1, 2)
            ]
            wanted = intransigence(matrix, np.array(plastic))
            assert metrics[f"test/intransigence_{kind}"] == pytest.approx(wanted)
    vectors = list(kept.values())
    far = [float((later - earlier).norm()) for earlier, later in pairwise(vectors)]
    assert metrics["test/distance_old"] == pytest.approx(np.mean(far))
    assert ("test/distance_auxiliary" in metrics) == has_auxiliary
    if has_auxiliary:
        far = [float((vectors[task] - model.auxiliaries[task]).norm()) for task in (1, 2)]
        assert metrics["test/distance_auxiliary"] == pytest.approx(np.mean(far))
        assert [line[1] for line in measurement.tables["distances"].values] == pytest.approx(far)


def test_the_first_task_is_decided_among_its_own_classes_either_way():
    fold = fold_of()
    trainer = task_trainer(METHODS["finetune"], fold.train)
    train(trainer)
    taw, tag = (measure(trainer, fold).details.matrices[f"acc_{kind}"] for kind in ("taw", "tag"))
    assert taw[0, 0] == tag[0, 0]
    lower = np.tri(3, dtype=bool)
    assert (taw[lower] >= tag[lower]).all()
    assert (taw[lower] > tag[lower]).any()


@pytest.mark.parametrize("batch_size", [1, 5])
def test_blocks_change_nothing(batch_size):
    fold = fold_of()
    trainer = task_trainer(METHODS["a_icarl"], fold.train)
    train(trainer)
    assert measure(trainer, fold, batch_size).metrics == pytest.approx(dict(measure(trainer, fold).metrics))


def test_on_the_way_tasks_so_far_are_measured():
    fold = fold_of()
    trainer = task_trainer(METHODS["a_lwf"], fold.train)
    assert set(measure(trainer, fold).metrics) == {
        f"test/{name}_{kind}" for name in ("avg_acc", "avg_inc_acc") for kind in ("taw", "tag")
    }
    train(trainer, until="task_2")
    first = measure(trainer, fold)
    assert first.details.matrices["acc_taw"].shape == (1, 3)
    assert set(first.metrics) == {
        f"test/{name}_{kind}" for name in ("avg_acc", "avg_inc_acc") for kind in ("taw", "tag")
    }
    phase = {phase.name: phase for phase in trainer.phases()}["task_2"]
    if phase.begin is not None:
        phase.begin()
    phase.step()
    under_way = measure(trainer, fold).details.matrices["acc_tag"]
    np.testing.assert_array_equal(under_way[0], first.details.matrices["acc_tag"][0])
    np.testing.assert_allclose(under_way[1, :2], by_rows(trainer.model.main, fold.evaluation, 1)[1])
    assert under_way.shape == (2, 3)
    assert np.isnan(under_way[1, 2])


def test_one_task_alone():
    fold = fold_of((6,))
    trainer = task_trainer(METHODS["finetune"], fold.train)
    train(trainer)
    measurement = measure(trainer, fold)
    expected = by_rows(trainer.model.main, fold.evaluation, 0)
    assert measurement.details.matrices["acc_taw"].tolist() == [[pytest.approx(expected[0, 0])]]
    assert set(measurement.metrics) == {
        f"test/{name}_{kind}" for name in ("avg_acc", "avg_inc_acc") for kind in ("taw", "tag")
    }
    assert set(measurement.tables) == {"acc_taw", "acc_tag"}


@pytest.mark.parametrize("until", [None, "task_3"])
def test_measuring_changes_nothing(until):
    fold = fold_of()
    trainer = task_trainer(METHODS["a_lwf"], fold.train)
    train(trainer, until)
    trainer.model.main.train()
    trainer.model.old.eval()
    before = weights_of(trainer)
    modes = [part.training for part in trainer.model.modules()]
    of_torch = torch.get_rng_state()
    gradients = [parameter.requires_grad for parameter in trainer.model.parameters()]
    first = measure(trainer, fold)
    figures = list(ContinualEvaluator(ContinualEvaluatorConf(), 0).figures(trainer.model, fold.evaluation, first, {}))
    assert {"acc_taw", "acc_tag_course", "distances", "similarities"} <= {name for name, _ in figures}
    assert same(before, trainer.model.state_dict())
    assert [part.training for part in trainer.model.modules()] == modes
    assert [parameter.requires_grad for parameter in trainer.model.parameters()] == gradients
    assert torch.equal(torch.get_rng_state(), of_torch)
    assert measure(trainer, fold).metrics == first.metrics


@pytest.mark.parametrize("name", ["a_lwf", "a_icarl"])
def test_training_goes_on_as_if_nothing_had_been_measured(name):
    fold = fold_of()
    alone, measured = task_trainer(METHODS[name], fold.train), task_trainer(METHODS[name], fold.train)
    train(alone)
    for phase in measured.phases():
        if phase.begin is not None:
            phase.begin()
        for _ in range(phase.steps):
            phase.step()
            measure(measured, fold)
        if phase.end is not None:
            phase.end()
    assert same(measured.model.state_dict(), alone.model.state_dict())


def test_layers_are_compared_on_the_rows_of_the_last_task():
    fold = fold_of()
    trainer = task_trainer(METHODS["a_lwf"], fold.train)
    train(trainer)
    found = similarities(trainer.model, fold.evaluation)
    rows = fold.evaluation.data
    x = rows.rows.take(rows.positions_of(range(4, 6)))
    model = trainer.model
    own = layers_of(trainer, model.snapshots[2], x)
    others = {"to the old network": model.snapshots[1], "to the auxiliary network": model.auxiliaries[2]}
    assert set(found) == set(others)
    for name, vector in others.items():
        layers = layers_of(trainer, vector, x)
        assert list(found[name]) == list(own)
        for layer, value in found[name].items():
            wanted = float(linear_cka(own[layer].double(), layers[layer].double()))
            assert value == pytest.approx(wanted)
            assert 0 < value < 1


def test_the_plane_goes_through_the_three_networks():
    fold = fold_of(counts=(60, 12, 3, 9, 11, 5))
    trainer = task_trainer(dataclasses.replace(METHODS["a_lwf"], plane=True), fold.train)
    train(trainer)
    before, model = weights_of(trainer), trainer.model
    plane = accuracy_plane(model, fold.evaluation, 4096)
    assert same(before, model.state_dict())
    old, auxiliary, joint, main = model.snapshots[1], model.auxiliaries[2], model.joint, model.snapshots[2]
    assert plane.places["old"] == (0, 0)
    assert plane.places["auxiliary"] == pytest.approx((float((auxiliary - old).norm()), 0), abs=1e-4)
    first = (auxiliary - old) / (auxiliary - old).norm()
    along, up = plane.places["joint"]
    second = (joint - old - along * first) / up
    assert float(second.norm()) == pytest.approx(1, abs=1e-4)
    assert float(first @ second) == pytest.approx(0, abs=1e-4)
    assert plane.places["main"] == pytest.approx([float((main - old) @ axis) for axis in (first, second)], abs=1e-4)
    for places, axis in ((plane.u, 0), (plane.v, 1)):
        assert all(places[0] < place[axis] < places[-1] for place in plane.places.values())
    rows, labels = fold.evaluation.data.rows, fold.evaluation.data.labels
    for line, column in ((0, 0), (8, 3), (16, 12)):
        network = network_with(trainer, old + float(plane.u[column]) * first + float(plane.v[line]) * second)
        shares = []
        for task in range(3):
            heads = fold.evaluation.order.of(task)
            right = []
            for label in heads:
                chosen = (labels == label).nonzero().flatten()[:50]
                with torch.no_grad():
                    decided = network(rows.take(chosen), heads).argmax(1) + heads.start
                right += (decided == label).tolist()
            shares.append(100 * np.mean(right))
        assert plane.accuracy[line, column] == pytest.approx(np.mean(shares), abs=1e-6)


def test_three_networks_on_one_line_have_no_plane_and_no_figure():
    """With the task given the auxiliary network of a task of one class learns nothing."""
    fold = fold_of(sizes=(3, 2, 1))
    trainer = task_trainer(dataclasses.replace(METHODS["a_lwf"], plane=True), fold.train)
    train(trainer)
    assert torch.equal(trainer.model.auxiliaries[2], trainer.model.snapshots[1])
    assert accuracy_plane(trainer.model, fold.evaluation, 4096) is None
    measurement = measure(trainer, fold)
    figures = ContinualEvaluator(ContinualEvaluatorConf(), 0).figures(trainer.model, fold.evaluation, measurement, {})
    names = [name for name, _ in figures]
    assert "similarities" in names
    assert "plane" not in names
    assert any("trainer.plane has no effect" in warning for warning in trainer.warnings())
    old, auxiliary = torch.zeros(4), torch.tensor([1.0, 2.0, 3.0, 0.1])
    assert axes_of(old, auxiliary, old) is None
    assert axes_of(old, auxiliary, 0.7 * auxiliary) is None
    assert axes_of(old, auxiliary, auxiliary.flip(0)) is not None


def test_weights_that_are_not_finite_are_refused():
    fold = fold_of()
    trainer = task_trainer(METHODS["finetune"], fold.train)
    train(trainer)
    trainer.model.snapshots[1] = torch.nan
    with pytest.raises(NonFiniteError, match=r"trainer\.weight"):
        measure(trainer, fold)


def test_rows_of_later_tasks_do_not_count():
    fold = fold_of()
    trainer = task_trainer(METHODS["finetune"], fold.train)
    train(trainer, until="task_3")
    rows = fold.evaluation.data
    part = rows.positions_of(range(4))
    earlier = dataclasses.replace(rows, rows=rows.rows.part(part), labels=rows.labels[part])
    other = dataclasses.replace(fold, evaluation=dataclasses.replace(fold.evaluation, data=earlier))
    assert measure(trainer, other).metrics == measure(trainer, fold).metrics
