"""What holds the network: the one before the task and the auxiliary one, as strongly as their weights say."""

import dataclasses

import pytest
import torch

from tests.slow import slow_if
from tests.task_data import OPTIM, task_accuracy, task_trainer, task_training, train
from tests.trainers.continual.methods import HOLDING, LENGTH, distance, with_auxiliary
from tests.weights import same, weights_of
from zsl_runner.models.task_model import loaded
from zsl_runner.objectives.continual import distillation, quadratic_penalty
from zsl_runner.trainers.continual.conf import FinetuneConf, LwFConf
from zsl_runner.trainers.continual.options import AuxiliaryConf


@pytest.mark.parametrize("name", HOLDING)
def test_an_auxiliary_network_of_no_weight_changes_nothing(name):
    plain, pulled = task_trainer(HOLDING[name]), task_trainer(with_auxiliary(HOLDING[name], 1e-35))
    train(plain)
    train(pulled)
    assert pulled.model.auxiliaries.abs().sum() > 0
    assert same(plain.model.main.state_dict(), pulled.model.main.state_dict())
    assert torch.equal(plain.model.snapshots, pulled.model.snapshots)


@pytest.mark.parametrize("name", ["ewc", "mas", "lwf", "lfl"])
def test_without_any_weight_it_is_fine_tuning(name):
    plain, held = task_trainer(FinetuneConf(**LENGTH)), task_trainer(dataclasses.replace(HOLDING[name], weight=0.0))
    train(plain)
    train(held)
    assert torch.equal(plain.model.snapshots, held.model.snapshots)


@pytest.mark.parametrize(
    ("changes", "sizes", "told"),
    [({}, (4,), 1), ({"weight": 0.0, "auxiliary_weight": 1.0}, (4,), 1), ({"weight": 0.0}, (4,), 0), ({}, (2, 2), 0)],
)
def test_weights_without_an_old_network_are_told(changes, sizes, told):
    conf = LwFConf(**LENGTH, **changes, auxiliary=AuxiliaryConf(optim=OPTIM))
    trainer = task_trainer(conf, task_training(sizes=sizes))
    found = ["trainer.weight and trainer.auxiliary_weight have no effect" in text for text in trainer.warnings()]
    assert found == [True] * told


@pytest.mark.parametrize("name", ["ewc", "mas", "lfl"])
def test_at_first_only_the_auxiliary_network_pulls(name):
    trainer = task_trainer(with_auxiliary(HOLDING[name]))
    found = train(trainer, until="task_3.auxiliary")
    first = found["task_2"][0]
    assert first["stability"] == pytest.approx(0, abs=1e-6)
    assert first["plasticity"] > 1e-4
    assert found["task_2"][-1]["stability"] > 1e-4


def test_the_old_network_pulls_nowhere_where_the_main_one_equals_it():
    trainer = task_trainer(HOLDING["ewc"])
    train(trainer, until="task_2")
    model, reference = trainer.model, trainer.references(1)["stability"]
    penalty = quadratic_penalty(model.main.parameters(), reference.network.parameters(), reference.importances)
    gradients = torch.autograd.grad(penalty, list(model.main.parameters()))
    assert all(torch.equal(g, torch.zeros_like(g)) for g in gradients)
    assert sum(float(value.sum()) for value in reference.importances) > 0


@pytest.mark.parametrize("name", ["ewc", "lwf", "lfl"])
def test_a_pull_without_end_ends_at_the_auxiliary_network(name):
    conf = dataclasses.replace(HOLDING[name], weight=0.0, iterations=300, auxiliary_weight=1e7)
    conf.auxiliary = AuxiliaryConf(iterations=60, optim=OPTIM)
    trainer = task_trainer(conf)
    train(trainer, until="task_3.auxiliary")
    model, data = trainer.model, trainer.data
    assert task_accuracy(model.main, data, 1) == pytest.approx(task_accuracy(model.auxiliary, data, 1), abs=0.02)
    if name == "ewc":
        importances = trainer._importance.auxiliary
        left = quadratic_penalty(model.main.parameters(), model.auxiliary.parameters(), importances)
        with loaded(model.main, model.snapshots[0]):
            before = quadratic_penalty(model.main.parameters(), model.auxiliary.parameters(), importances)
        assert float(left.detach()) < 1e-3 * float(before.detach())


@pytest.mark.parametrize("name", slow_if(["mas"], ["ewc", "mas"]))
def test_distances_follow_the_auxiliary_weight(name):
    to_old, to_auxiliary = [], []
    for ratio in (0.1, 1.0, 10.0, 100.0):
        strong = dataclasses.replace(HOLDING[name], weight=1000.0, auxiliary_weight=1000.0 * ratio, iterations=150)
        trainer = task_trainer(strong)
        train(trainer, until="task_3.auxiliary")
        model = trainer.model
        to_old.append(distance(model.main, model.snapshots[0]))
        to_auxiliary.append(distance(model.main, model.auxiliaries[1]))
    assert to_auxiliary == sorted(to_auxiliary, reverse=True), to_auxiliary
    assert to_old == sorted(to_old), to_old


@pytest.mark.slow
@pytest.mark.parametrize(("name", "weight"), slow_if([("mas", 1e6)], [("ewc", 1e8), ("mas", 1e6)]))
def test_plasticity_lost_to_a_far_too_strong_pull_comes_back_with_the_auxiliary_weight(name, weight):
    """What the paper claims. A second pull that is too weak to lead may only stiffen: there the trend alone counts."""
    learned = []
    for ratio in (0.0, 0.01, 0.1, 1.0, 10.0):
        conf = dataclasses.replace(HOLDING[name], weight=weight, auxiliary_weight=weight * ratio, iterations=40)
        trainers = [task_trainer(conf, task_training(sizes=(3, 3, 3)), seed) for seed in range(3)]
        for trainer in trainers:
            train(trainer)
        learned.append([100 * task_accuracy(trainer.model.main, trainer.data, 2) for trainer in trainers])
    base, *pulled = learned
    means = [sum(values) for values in pulled]
    assert means == sorted(means), learned
    for strong in pulled[-2:]:
        assert all(value >= before + 2 for before, value in zip(base, strong, strict=True)), learned


@pytest.mark.parametrize("heads", ["joint", "each", "all"])
def test_softened_outputs_are_those_of_the_heads_that_are_meant(heads):
    conf = with_auxiliary(dataclasses.replace(HOLDING["lwf"], heads=heads, scenario="cil"))
    trainer = task_trainer(conf)
    train(trainer, until="task_3")
    model, x = trainer.model, trainer.data.data.rows.take(torch.arange(20))
    terms = trainer.terms(2, x, trainer.data.data.labels[:20].clamp_min(4), trainer.references(2))
    with torch.no_grad():
        own, old = model.main(x, range(6)), model.old(x, range(4))
        expected = {
            "joint": distillation(own[:, :4], old, 2.0),
            "each": distillation(own[:, :2], old[:, :2], 2.0) + distillation(own[:, 2:4], old[:, 2:4], 2.0),
            "all": distillation(own, old, 2.0),
        }
        plasticity = distillation(own[:, 4:], model.auxiliary(x, range(4, 6)), 2.0)
    torch.testing.assert_close(terms["stability"].detach(), expected[heads])
    torch.testing.assert_close(terms["plasticity"].detach(), plasticity)


def test_held_features_are_those_of_rows_and_of_the_classes_that_the_reference_knows():
    trainer = task_trainer(with_auxiliary(HOLDING["lfl"], 3.0), task_training(vectors=True))
    train(trainer, until="task_3")
    model, x, vectors = trainer.model, trainer.data.data.rows.take(torch.arange(20)), trainer.data.class_vectors
    with loaded(model.main, model.snapshots[0]):
        terms = trainer.terms(2, x, trainer.data.data.labels[:20], trainer.references(2))
        expected = {}
        for name, network, known, weight in (
            ("stability", model.old, vectors[:4], 1.0),
            ("plasticity", model.auxiliary, vectors[4:6], 3.0),
        ):
            of_rows = angle(model.main.rows(x), network.rows(x))
            expected[name] = weight * (of_rows + angle(model.main.classes(known), network.classes(known)))
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value)


def angle(own, theirs):
    """Return the mean of 2 - 2 cos of vectors less their own means, which is a distance of unit vectors squared."""
    one, other = (values - values.mean(1, keepdim=True) for values in (own, theirs))
    return (2 - 2 * torch.cosine_similarity(one, other)).mean()


def test_an_endless_pull_of_features_leaves_classes_where_they_are():
    """Logits are cosines of rows and classes: with rows alone held, the classes would go where the task takes them."""
    data = task_training(vectors=True)
    moved = []
    for conf in (FinetuneConf(**LENGTH), dataclasses.replace(HOLDING["lfl"], weight=1e4)):
        trainer = task_trainer(conf, data)
        train(trainer, until="task_3")
        with trainer.model.as_after(0) as network:
            before = network.class_features(range(2)).detach()
        moved.append(float(angle(trainer.model.main.class_features(range(2)).detach(), before)))
    assert moved[1] < 0.02 * moved[0], moved


def test_an_endless_pull_of_features_takes_classes_to_those_of_the_auxiliary_network():
    conf = dataclasses.replace(HOLDING["lfl"], weight=0.0, iterations=300, auxiliary_weight=1e4)
    conf.auxiliary = AuxiliaryConf(iterations=60, optim=OPTIM)
    trainer = task_trainer(conf, task_training(vectors=True))
    train(trainer, until="task_3.auxiliary")
    model, own = trainer.model, range(2, 4)
    with torch.no_grad():
        aim = model.auxiliary.class_features(own)
        with model.as_after(0) as network:
            before = float(angle(network.class_features(own), aim))
        assert float(angle(model.main.class_features(own), aim)) < 0.02 * before


def test_the_networks_share_no_memory():
    trainer = task_trainer(with_auxiliary(HOLDING["ewc"]))
    train(trainer, until="task_2")
    model = trainer.model
    places = [{p.data_ptr() for p in network.parameters()} for network in (model.main, model.old, model.auxiliary)]
    assert not places[0] & places[1]
    assert not places[0] & places[2]
    assert not places[1] & places[2]
    old, auxiliary = weights_of(model.old), weights_of(model.auxiliary)
    phase = next(phase for phase in trainer.phases() if phase.name == "task_2")
    phase.begin()
    phase.step()
    assert same(old, model.old.state_dict())
    assert same(auxiliary, model.auxiliary.state_dict())
    assert not torch.equal(model.main.body[1].weight, model.old.body[1].weight)


def test_the_auxiliary_network_has_an_optimiser_and_a_length_of_its_own():
    own = AuxiliaryConf(epochs=2, optim=dataclasses.replace(OPTIM, algorithm="sgd"))
    trainer = task_trainer(dataclasses.replace(with_auxiliary(HOLDING["lwf"]), auxiliary=own))
    lengths = {phase.name: phase.steps for phase in trainer.phases()}
    assert lengths["task_2.auxiliary"] == 2 * (80 // 16)
    assert lengths["task_2"] == 20
    assert trainer.conf.optimisers()["auxiliary"].algorithm == "sgd"


def test_the_auxiliary_network_sees_the_task_s_own_rows_alone():
    trainer = task_trainer(with_auxiliary(HOLDING["icarl"]))
    train(trainer, until="task_2.auxiliary")
    phases = {phase.name: phase for phase in trainer.phases()}
    phases["task_2.auxiliary"].begin()
    labels = trainer.data.data.labels
    assert set(labels[trainer._pool.rows].tolist()) == {2, 3}
    phases["task_2"].begin()
    assert set(labels[trainer._pool.rows].tolist()) == {0, 1, 2, 3}


def test_the_auxiliary_network_learns_its_task_at_least_as_well():
    trainer = task_trainer(with_auxiliary(dataclasses.replace(HOLDING["ewc"], weight=1e4, iterations=60), 100.0))
    train(trainer)
    model = trainer.model
    for task in (1, 2):
        with model.as_after(task) as network:
            own = task_accuracy(network, trainer.data, task)
        with loaded(model.main, model.auxiliaries[task]):
            assert task_accuracy(model.main, trainer.data, task) >= own - 0.02
